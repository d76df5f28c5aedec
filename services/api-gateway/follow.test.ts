import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeEach, expect, test } from "vitest";
import { Problem, Unavailable } from "../../kit/problem.js";
import { follow as followAt } from "./follow.js";
import { asker } from "./forward.js";

/** Stands for the sidecar with the order service behind it. */
let answer: (req: IncomingMessage, res: ServerResponse) => void;
let asked: string[] = [];
const server = createServer((req, res) => {
  asked.push(`${req.url} after ${req.headers["last-event-id"]} by ${req.headers.authorization}`);
  answer(req, res);
});
await new Promise<void>((resume) => server.listen(0, "127.0.0.1", resume));
const { port } = server.address() as AddressInfo;
const ask = asker({ DAPR_HTTP_PORT: port });
const follow = (orderId: string, after: number, signal: AbortSignal) =>
  followAt(ask, { authorization: "Bearer t" }, orderId, after, signal);
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const id = "00000000-0000-4000-8000-000000000007";
const path = `/v1.0/invoke/order/method/orders/${id}/events`;
const entry = (seq: number) => ({
  ...{ seq, at: "2026-01-01T00:00:00Z", kind: "status", name: "ä", status: "paid", actor: "a", trace_id: null },
});
const event = (seq: number) => `id: ${seq}\ndata: ${JSON.stringify(entry(seq))}\n\n`;
const stream = (res: ServerResponse) => res.writeHead(200, { "content-type": "text/event-stream" });
const problem = (res: ServerResponse, status: number) => {
  res.writeHead(status, { "content-type": "application/problem+json" });
  res.end(JSON.stringify({ type: "about:blank", title: "T", status, detail: `says ${status}` }));
};
const never = new AbortController().signal;

async function take(entries: AsyncGenerator<{ seq: number }>, count: number): Promise<number[]> {
  const taken: number[] = [];
  for await (const { seq } of entries) {
    taken.push(seq);
    if (taken.length === count) break;
  }
  return taken;
}

beforeEach(() => {
  asked = [];
});

test("entries come as they are written, however they are cut", async () => {
  answer = async (_, res) => {
    stream(res);
    const bytes = Buffer.from(`: hello\n\n${event(4)}${event(5)}`);
    for (let at = 0; at < bytes.length; at += 7) {
      res.write(bytes.subarray(at, at + 7));
      await new Promise((resume) => setImmediate(resume));
    }
  };
  const entries = await follow(id, 3, never);
  expect((await entries.next()).value).toEqual(entry(4));
  expect((await entries.next()).value).toEqual(entry(5));
  await entries.return(undefined);
  expect(asked).toEqual([`${path} after 3 by Bearer t`]);
});

test("a stream that ends or breaks is taken up after its last entry, also while the service is away", async () => {
  const answers: ((res: ServerResponse) => unknown)[] = [
    (res) => stream(res).end(event(1) + event(2)),
    (res) => problem(res, 503),
    (res) => stream(res).write(event(3), () => res.destroy()),
    (res) => stream(res).write(event(4)),
  ];
  answer = (_, res) => answers.shift()?.(res);
  expect(await take(await follow(id, 0, never), 4)).toEqual([1, 2, 3, 4]);
  expect(asked.map((line) => line.split(" ")[2])).toEqual(["0", "2", "2", "3"]);
}, 10_000);

test("a refusal is the answer, at once and later", async () => {
  answer = (_, res) => problem(res, 404);
  await expect(follow(id, 0, never)).rejects.toEqual(new Problem(404, "says 404"));
  answer = (_, res) => problem(res, 503);
  await expect(follow(id, 0, never)).rejects.toBeInstanceOf(Problem);
  await expect(followAt(asker({ DAPR_HTTP_PORT: 1 }), {}, id, 0, never)).rejects.toBeInstanceOf(Unavailable);

  answer = (_, res) => stream(res).end(event(1));
  const entries = await follow(id, 0, never);
  await entries.next();
  answer = (_, res) => problem(res, 401);
  await expect(entries.next()).rejects.toEqual(new Problem(401, "says 401"));
});

test("when the client leaves, the service's stream ends", async () => {
  let closed = false;
  answer = (_, res) => {
    stream(res).write(event(1));
    res.once("close", () => {
      closed = true;
    });
  };
  const leave = new AbortController();
  const entries = await follow(id, 0, leave.signal);
  await entries.next();
  const next = entries.next();
  leave.abort();
  expect((await next).done).toBe(true);
  await expect.poll(() => closed).toBe(true);
  expect(asked).toHaveLength(1);
});
