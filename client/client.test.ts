import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { TimelineEntry } from "../contracts/order.js";
import { createClient, must, ProblemError } from "./client.js";

const id = "00000000-0000-4000-8000-000000000001";

/** A client of a server that answers like this. */
async function clientOf(answer: (request: IncomingMessage, response: ServerResponse) => void, validate = false) {
  const server = createServer(answer).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  return createClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: "t", validate });
}

test("a call fills path and query, and says who asks", async () => {
  const seen: unknown[] = [];
  const client = await clientOf(({ method, url, headers }, response) => {
    seen.push([method, url, headers.authorization]);
    response.setHeader("content-type", "application/json").end('{"items":[],"next_cursor":null}');
  });
  await client.ordersOfCustomer({
    params: { customer_id: id },
    query: { limit: 5, cursor: "a+/&", status: undefined },
  });
  await client.deadLetter({ params: { service: "order", id: "a/b" } });
  expect(seen).toEqual([
    ["GET", `/orders/customer/${id}?limit=5&cursor=a%2B%2F%26`, "Bearer t"],
    ["GET", "/admin/dead-letters/order/a%2Fb", "Bearer t"],
  ]);
});

test("a refusal is an answer; asked with must it is thrown", async () => {
  const problem = { type: "about:blank", title: "Conflict", status: 409, detail: "it stays so", allowed: [] };
  const client = await clientOf((_, response) => void response.writeHead(409).end(JSON.stringify(problem)));
  expect(await client.removeOrder({ params: { id } })).toMatchObject({ ok: false, status: 409, body: problem });
  await expect(must(client.removeOrder({ params: { id } }))).rejects.toEqual(new ProblemError(409, problem));
});

test("a validating client refuses an answer that is not as the contract says", async () => {
  const client = await clientOf((_, response) => void response.end('{"items":[{"id":"x"}]}'), true);
  await expect(client.orders()).rejects.toThrow("next_cursor");
});

const entry = (seq: number): TimelineEntry => ({
  ...{ seq, at: "2026-01-01T00:00:00.000Z", kind: "status", name: "place", status: "payment_required" },
  ...{ actor: "someone", trace_id: null },
});

test("watch goes on after a lost connection where it was, and ends when it is told to", async () => {
  const resumed: unknown[] = [];
  const client = await clientOf(({ headers }, response) => {
    const after = Number(headers["last-event-id"]);
    resumed.push(after);
    if (resumed.length === 2) return void response.writeHead(503).end("{}");
    response.write("retry: 1000\n\n:\n\n");
    for (const seq of [after + 1, after + 2]) response.write(`id: ${seq}\ndata: ${JSON.stringify(entry(seq))}\n\n`);
    setTimeout(() => response.destroy(), 20);
  });
  const leaves = new AbortController();
  const heard: number[] = [];
  for await (const { seq } of client.watch(id, { signal: leaves.signal, pause: 10 })) {
    heard.push(seq);
    if (seq === 4) leaves.abort();
  }
  expect(heard).toEqual([1, 2, 3, 4]);
  expect(resumed).toEqual([0, 2, 2]);
});

test("watch ends with the refusal when the order is not the caller's", async () => {
  const problem = { type: "about:blank", title: "Not found", status: 404, detail: "there is no such order" };
  const client = await clientOf((_, response) => void response.writeHead(404).end(JSON.stringify(problem)));
  await expect(client.watch(id).next()).rejects.toEqual(new ProblemError(404, problem));
});
