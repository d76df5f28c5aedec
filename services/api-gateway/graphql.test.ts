import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { pino } from "pino";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { api } from "../../contracts/api.js";
import { app } from "../../kit/http.js";
import { listen } from "../../kit/listen.js";
import { Problem, Unavailable } from "../../kit/problem.js";
import type { Ask } from "./forward.js";
import { graphql } from "./graphql.js";
import type { Watch } from "./watch.js";

type Error_ = { message: string; path?: string[]; extensions: Record<string, unknown> };
type Result = { data?: Record<string, unknown> | null; errors?: Error_[] };

const silent = pino({ level: "silent" });
const web = app(silent, async () => true);
let asked: string[] = [];
let answer: () => Promise<Awaited<ReturnType<Ask>>>;
const stream = new PassThrough();
const watch: Watch = async () => stream;
const ask: Ask = async (app, { method, path, headers }) => {
  asked.push(`${app} ${method} ${path} ${headers.authorization}`);
  return answer();
};
const admitted: string[] = [];
const admit = async (_: unknown, { path }: { path: string }) => {
  admitted.push(path);
  if (path === api.reconciliation.path) throw new Problem(429, "too many", {}, 7);
  return { sub: "1", roles: [], country: null };
};
web.router.register("/graphql", ["GET", "POST"], graphql(ask, watch, admit, silent));
const server = await listen(web, 0, "127.0.0.1");
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
afterAll(() => server.close());

const success = (body: object) => ({ statusCode: 200, headers: {}, text: JSON.stringify(body) });
const problem = (statusCode: number, extra: object = {}) => ({
  statusCode,
  headers: { "retry-after": "2" },
  text: JSON.stringify({ type: "about:blank", title: "T", status: statusCode, detail: `says ${statusCode}`, ...extra }),
});

beforeEach(() => {
  asked = [];
  answer = async () => success({ id: "1", pay_by: "soon" });
});

function post(body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return fetch(url, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: text });
}

async function run(query: string, variables?: object, headers?: Record<string, string>) {
  const response = await post({ query, variables }, headers);
  return { status: response.status, ...((await response.json()) as Result) };
}

const order = '{ order(id: "1") { id payBy } }';

test("a field asks its route with the caller's token and answers in camelCase", async () => {
  expect(await run(order, {}, { authorization: "Bearer t" })).toEqual({
    status: 200,
    data: { order: { id: "1", payBy: "soon" } },
  });
  expect(asked).toEqual(["order GET /orders/1 Bearer t"]);
});

test("GET answers queries, and no mutations", async () => {
  const get = async (query: string) => (await fetch(`${url}?query=${encodeURIComponent(query)}`)).status;
  expect([await get(order), await get("mutation { reconcile { state } }")]).toEqual([200, 405]);
  expect(asked).toHaveLength(1);
});

describe("errors", () => {
  test.each([
    [400, "BAD_USER_INPUT"],
    [401, "UNAUTHENTICATED"],
    [403, "FORBIDDEN"],
    [404, "NOT_FOUND"],
    [409, "CONFLICT"],
    [412, "PRECONDITION_FAILED"],
    [415, "BAD_USER_INPUT"],
    [422, "BAD_USER_INPUT"],
    [429, "RATE_LIMITED"],
    [500, "INTERNAL_SERVER_ERROR"],
    [503, "UNAVAILABLE"],
  ])("a service's %i is %s, with what the problem says, and HTTP 200", async (status, code) => {
    answer = async () => problem(status, { allowed: ["cancelled"], available_qty: 1 });
    const result = await run(order);
    expect(result).toMatchObject({ status: 200, data: { order: null } });
    expect(result.errors).toMatchObject([
      {
        message: `says ${status}`,
        path: ["order"],
        extensions: { code, status, allowed: ["cancelled"], available_qty: 1, retry_after: 2 },
      },
    ]);
  });

  test("a service that is away is UNAVAILABLE", async () => {
    answer = () => Promise.reject(new Unavailable("the order service"));
    expect((await run(order)).errors?.[0]?.extensions).toEqual({ status: 503, code: "UNAVAILABLE", retry_after: 2 });
  });

  test("a fault of ours says nothing of itself", async () => {
    answer = () => Promise.reject(new Error("secret"));
    const result = await run(order);
    expect(result.errors?.[0]?.extensions).toEqual({ status: 500, code: "INTERNAL_SERVER_ERROR" });
    expect(JSON.stringify(result)).not.toContain("secret");
  });

  test("who asks too often is not asked for: each field counts as its route", async () => {
    const { data, errors } = await run('{ reconciliation { state } order(id: "1") { id } }');
    expect(data).toEqual({ reconciliation: null, order: { id: "1" } });
    expect(errors?.[0]?.extensions).toEqual({ status: 429, code: "RATE_LIMITED", retry_after: 7 });
    expect(admitted.slice(-2)).toEqual([api.reconciliation.path, api.order.path]);
    expect(asked).toHaveLength(1);
  });

  test("variables of a wrong type are BAD_USER_INPUT", async () => {
    const result = await run("query ($id: ID!) { order(id: $id) { id } }", { id: {} });
    expect(result.errors?.[0]?.extensions.code).toBe("BAD_USER_INPUT");
  });

  test("an id that would leave its path is no id, and nobody is asked", async () => {
    for (const id of ["../rpc/users", "..", "a/b", "a%2fb", "a?b", ""]) {
      const { errors } = await run("query ($id: ID!) { order(id: $id) { id } }", { id });
      expect(errors?.[0]?.extensions.code).toBe("NOT_FOUND");
    }
    expect(asked).toEqual([]);
  });

  test("what no header can hold is BAD_USER_INPUT", async () => {
    const pay = 'mutation ($key: String!) { cancelOrder(id: "1", idempotencyKey: $key) { id } }';
    for (const key of ["ü", "a\r\nb"])
      expect((await run(pay, { key })).errors?.[0]?.extensions.code).toBe("BAD_USER_INPUT");
    expect(asked).toEqual([]);
  });

  test("metadata deeper than the stack is BAD_USER_INPUT", async () => {
    const change = 'mutation ($m: JSON) { changeOrder(id: "1", input: { metadata: $m }) { id } }';
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    const response = await post(`{"query":${JSON.stringify(change)},"variables":{"m":${deep}}}`);
    expect(((await response.json()) as Result).errors?.[0]?.extensions.code).toBe("BAD_USER_INPUT");
  });
});

describe("limits: nothing is executed", () => {
  const nested = (levels: number) =>
    `{ __type(name: "Order") ${"{ ofType ".repeat(levels)} { name } ${"}".repeat(levels)} }`;
  const fields = (times: number) => `{ ${Array.from({ length: times }, (_, n) => `a${n}: me { id }`).join(" ")} }`;

  test.each([
    ["depth", nested(9)],
    ["depth through fragments", `{ ...A } fragment A on Query ${nested(9)}`],
    ["cost", "{ orders(first: 5000) { edges { node { id } } } }"],
    ["aliases", fields(16)],
    ["length", `{ ${"me { id } ".repeat(250)} }`],
  ])("%s", async (_, query) => {
    const result = await run(query);
    expect(result.errors?.map(({ extensions }) => extensions.code)).toEqual(["QUERY_TOO_COMPLEX"]);
    expect(result.data).toBeUndefined();
    expect(asked).toEqual([]);
  });

  test("just below them, all is executed", async () => {
    for (const query of [nested(8), fields(15), `{ ${"me { id } ".repeat(240)} }`])
      expect((await run(query)).errors).toBeUndefined();
    expect(asked).toHaveLength(16);
  });

  test("a page of all that an order has is within them, and so is introspection", async () => {
    const { getIntrospectionQuery } = await import("graphql");
    const { data, errors } = await run(getIntrospectionQuery());
    expect(errors).toBeUndefined();
    expect(JSON.stringify(data)).toContain("placeOrder");
    answer = async () => success({ items: [], next_cursor: null });
    const line = "productId name quantity price product { id name description price stock { onHand available } }";
    const node = `id userId status total tax subtotal currency items { ${line} } payments { paymentId status amount
      refund { status } } customer { id name email } payment { status refund { status amount } } metadata createdAt`;
    const query = `{ orders(first: 100) { edges { cursor node { ${node} } } pageInfo { hasNextPage endCursor } } }`;
    expect((await run(query)).errors).toBeUndefined();
  });

  test("fragments in a circle are refused, whatever their depth", async () => {
    const { errors } = await run("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }");
    expect(errors?.[0]?.extensions.code).toBe("GRAPHQL_VALIDATION_FAILED");
  });

  test.each([
    ["many operations in one request", JSON.stringify([{ query: order }]), {}, 422],
    ["a body that is no JSON", "{", {}, 400],
    ["a large body", JSON.stringify({ query: order, variables: { a: "x".repeat(256 * 1024) } }), {}, 413],
    ["another type", "{}", { "content-type": "text/plain" }, 415],
    ["a form", "{}", { "content-type": "multipart/form-data; boundary=x" }, 415],
    ["an answer that is no JSON", JSON.stringify({ query: order }), { accept: "image/png" }, 406],
  ])("%s", async (_, body, headers, status) => {
    expect((await post(body, headers as Record<string, string>)).status).toBe(status);
    expect(asked).toEqual([]);
  });
});

test("a subscription is a stream, which ends at once at both ends when the client leaves", async () => {
  const entry = { seq: 1, at: "2026-01-01T00:00:00Z", kind: "status", name: "n", status: "paid", actor: "a" };
  stream.write(`data: ${JSON.stringify({ ...entry, trace_id: null })}\n\n`);
  const leave = new AbortController();
  const query = 'subscription { orderEvents(orderId: "1") { seq } }';
  const response = await fetch(`${url}?query=${encodeURIComponent(query)}`, {
    headers: { accept: "text/event-stream" },
    signal: leave.signal,
  });
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let text = "";
  while (!text.includes("data:")) text += Buffer.from((await reader.read()).value ?? []).toString();
  expect(text).toContain('event: next\ndata: {"data":{"orderEvents":{"seq":1}}}');
  expect(stream.destroyed).toBe(false);
  leave.abort();
  await expect.poll(() => stream.destroyed).toBe(true);
});
