import { spawn } from "node:child_process";
import { connect, type Socket } from "node:net";
import { afterAll, describe, expect, test } from "vitest";
import {
  bytes,
  drip,
  openFiles,
  openStream,
  pidOf,
  request,
  residentMb,
  type Stream,
  signer,
} from "./support/rough.js";
import {
  anyone,
  atOnce,
  eventually,
  must,
  newProduct,
  place,
  port,
  processes,
  reaches,
  signedIn,
} from "./support/system.js";

const [ada, staff, mill] = await Promise.all([signedIn("ada"), signedIn("staff"), newProduct()]);
const { body: order } = await place(ada, mill.id);
const pids = async () => (await processes.processes()).map(({ name, pid, restarts }) => [name, pid, restarts]);
const before = await pids();
const bearer = `authorization: Bearer ${ada.token}`;
const json = "content-type: application/json";
const chunked = "transfer-encoding: chunked";

// Begun first and looked at below, because patience takes its time.
const slow = {
  silent: Promise.all(Array.from({ length: 100 }, () => drip("", ""))),
  headers: Promise.all(Array.from({ length: 100 }, () => drip("GET /products HTTP/1.1\r\nhost: a\r\n", "x: y\r\n"))),
  bodies: Promise.all(
    Array.from({ length: 100 }, () => drip(request("POST /users", [json, "content-length: 1000"]), "x")),
  ),
};

afterAll(async () => expect(await pids()).toEqual(before));

describe("what is no good request is refused as a problem, and the next one is served", () => {
  const deep = (n: number) => `${"[".repeat(n)}${"]".repeat(n)}`;
  const long = "x".repeat(7_000);
  const post = (path: string, headers: string[], body: string) =>
    request(`POST ${path}`, [json, `content-length: ${Buffer.byteLength(body)}`, ...headers], body);
  const ask = (query: string) =>
    post("/graphql", ["accept: application/graphql-response+json"], JSON.stringify({ query }));
  const key = "idempotency-key: abuse";

  test.each<[string, string, number]>([
    ["a greeting of another protocol", "EHLO orders\r\n\r\n", 400],
    ["HTTP/2 at once", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
    ["no Host", "GET /products HTTP/1.1\r\nconnection: close\r\n\r\n", 400],
    ["a proxy's CONNECT", "CONNECT orders.example:443 HTTP/1.1\r\nhost: orders.example:443\r\n\r\n", 405],
    ["an unknown method", request("FROB /products"), 400],
    ["TRACE", request("TRACE /products"), 405],
    ["OPTIONS of everything", request("OPTIONS *"), 404],
    ["an expectation nobody knows", request("GET /products", ["expect: miracles"]), 417],
    ["length and chunks both", request("POST /users", [json, "content-length: 5", chunked], "0\r\n\r\n"), 400],
    ["two lengths", request("POST /users", [json, "content-length: 5", "content-length: 6"], "12345"), 400],
    ["a length below zero", request("POST /users", [json, "content-length: -1"]), 400],
    ["chunks under another name", request("POST /users", [json, "transfer-encoding: xchunked"], "0\r\n\r\n"), 400],
    ["a chunk without a length", request("POST /users", [json, chunked], "zz\r\n{}\r\n0\r\n\r\n"), 400],
    ["a line feed in a header", request("GET /products", ["x: a\nb: c"]), 400],
    ["a space before the colon", request("GET /products", ["x : a"]), 400],
    ["a folded header", request("GET /products", ["x: a", " b"]), 400],
    ["20 kB of headers", request("GET /products", [`x: ${long}`, `y: ${long}`, `z: ${long}`]), 431],
    ["a URL of 20 kB", request(`GET /products?q=${long}${long}${long}`), 431],
    ["a URL of 7 kB", request(`GET /products?q=${long}`), 414],
    ["a token of 7 kB", request("GET /orders", [`authorization: Bearer ${long}`]), 401],
    ["a key of 7 kB", post("/orders", [bearer, `idempotency-key: ${long}`], "{}"), 431],
    ["two thousand parameters", request(`GET /products?${"a=1&".repeat(2_000)}`), 414],
    ["the same parameter often", request(`GET /products?${"limit=1&".repeat(500)}`), 400],
    ["two tokens", request("GET /orders", [bearer, `authorization: Bearer ${staff.token}`]), 400],
    ["two keys", post("/orders", [bearer, key, `${key}-2`], "{}"), 400],
    ["an absolute URL that leads inside", request("GET http://order/rpc/owner"), 404],
    ["a path that climbs", request("GET /products/../rpc/products"), 404],
    ["a path that climbs in disguise", request("GET /products/%2e%2e%2frpc%2fproducts"), 404],
    ["an escaped slash", request(`GET /orders%2f${order.id}`, [bearer]), 404],
    ["a backslash", request("GET /products\\..\\rpc"), 404],
    ["a semicolon", request("GET /products;a=b/../rpc"), 404],
    ["two slashes", request("GET //rpc/products"), 404],
    ["a NUL in the path", request("GET /products/%00"), 404],
    ["another method than it says", post(`/orders/${order.id}`, [bearer, "x-http-method-override: DELETE"], ""), 405],
    ["another method in the query", request(`POST /orders/${order.id}?_method=DELETE`, [bearer]), 405],
    ["a compressed body", post("/users", ["content-encoding: gzip"], "\u001f"), 415],
    [
      "a form",
      request("POST /users", ["content-type: multipart/form-data; boundary=b", "content-length: 1"], "x"),
      415,
    ],
    ["300 kB", post("/users", [], `"${"x".repeat(300_000)}"`), 413],
    ["5 MB", post("/users", [], `"${"x".repeat(5_000_000)}"`), 413],
    ["a very deep body", post("/users", [], deep(100_000)), 422],
    ["very deep metadata", post("/orders", [bearer, key], `{"items":[],"metadata":${deep(50_000)}}`), 422],
    ["very deep variables", post("/graphql", [], `{"query":"{__typename}","variables":{"a":${deep(50_000)}}}`), 200],
    ["a batch of operations", post("/graphql", [], JSON.stringify(Array(50).fill({ query: "{__typename}" }))), 422],
    ["an operation 12 deep", ask(`{${"orders{items{".repeat(6)}id${"}}".repeat(6)}}`), 400],
    ["a hundred aliases", ask(`{${[...Array(100).keys()].map((n) => `a${n}:__typename `).join("")}}`), 400],
    ["an operation that asks for a million things", ask(`{products(first:100){${"items{id} ".repeat(600)}}}`), 400],
    ["introspection that multiplies", ask(`{__schema{types{${"fields{type{".repeat(5)}name${"}}".repeat(5)}}}}`), 400],
    ["a fragment of itself", ask("{...a} fragment a on Query{...a}"), 400],
    ["an operation of 100 kB", ask(`{${"__typename ".repeat(10_000)}}`), 400],
  ])("%s", async (_, text, status) => {
    const answer = await bytes(text);
    expect(answer).toMatchObject({ status, closed: true });
    if (status !== 200) {
      expect(answer.type).toMatch(/^application\/problem\+json/);
      expect(JSON.parse(answer.body)).toMatchObject({ status });
    }
    expect((await anyone.call("GET", "/products?limit=1")).status).toBe(200);
  });
});

test("who sends by the drop is let go, and told why; the others are served meanwhile", async () => {
  expect((await place(ada, mill.id, 1, "card_ok")).status).toBe(201);
  for (const [kind, patience, status] of [
    ["silent", 10, 0],
    ["headers", 10, 408],
    ["bodies", 30, 408],
  ] as const) {
    const ended = await slow[kind];
    expect(new Set(ended.map((one) => one.status))).toEqual(new Set([status]));
    const longest = Math.max(...ended.map(({ seconds }) => seconds));
    expect([kind, longest > patience - 1]).toEqual([kind, true]);
  }
});

/** All that a flood must leave alone. */
async function ordersStillWork(count: number): Promise<void> {
  const placed = await atOnce(Array.from({ length: count }), 5, () => place(ada, mill.id, 1, "card_ok"));
  expect(placed.map(({ status }) => status)).toEqual(Array(count).fill(201));
  const ended = await atOnce(placed, 5, ({ body }) => reaches(ada, body.id, "processing", 60));
  expect(ended.map(({ status }) => status)).toEqual(Array(count).fill("processing"));
}

describe("streams", () => {
  const open: Stream[] = [];
  const closeAll = () => {
    for (const stream of open.splice(0)) stream.close();
  };
  const users = async (count: number) => {
    const sign = await signer();
    return atOnce(Array.from({ length: count }), 20, sign);
  };
  /** So many streams, 20 a user; gives how many had which status. */
  async function flood(count: number, lanes: number): Promise<Record<number, number>> {
    const tokens = await users(Math.ceil(count / 20));
    const streams = await atOnce(Array.from({ length: count }), lanes, (_: unknown) => {
      const n = begun++;
      return openStream(tokens[Math.floor(n / 20) % tokens.length] as string, order.id);
    });
    const counts: Record<number, number> = {};
    for (const stream of streams) {
      counts[stream.status] = (counts[stream.status] ?? 0) + 1;
      if (stream.status === 200) open.push(stream);
      else {
        if (stream.status === 429 || stream.status === 503) expect(Number(stream.retryAfter)).toBeGreaterThan(0);
        stream.close();
      }
    }
    return counts;
  }
  let begun = 0;
  afterAll(closeAll);

  test("2,000 open: orders are placed as ever, and all 2,000 hear what happens", async () => {
    begun = 0;
    expect(await flood(2_000, 50)).toEqual({ 200: 2_000 });
    await ordersStillWork(20);
    await must(ada.cancelOrder({ params: { id: order.id } }));
    const heard = await eventually(
      async () => open.filter((stream) => stream.text().includes('"name":"cancel"')).length,
      (count) => count === 2_000,
      60,
    );
    expect(heard).toBe(2_000);
  });

  test("10,000 asked for: what is too much is refused with Retry-After, nothing dies, and orders are placed", async () => {
    const gateway = await pidOf("api-gateway");
    begun = 0;
    const counts = await flood(8_000, 500);
    console.log("8,000 more:", counts, `gateway ${Math.round(residentMb(gateway))} MB, ${openFiles(gateway)} files`);
    expect(Object.keys(counts).filter((status) => !["200", "429", "503"].includes(status))).toEqual([]);
    expect(open.length).toBeLessThanOrEqual(2_500);
    expect(open.length).toBeGreaterThan(2_000);
    await ordersStillWork(20);
    expect(residentMb(gateway)).toBeLessThan(1_000);
  });

  test("when they are closed everything is free again", async () => {
    const gateway = await pidOf("api-gateway");
    closeAll();
    const files = await eventually(
      async () => openFiles(gateway),
      (count) => count < 300,
      60,
    );
    console.log(`gateway ${Math.round(residentMb(gateway))} MB, ${files} files`);
    expect(files).toBeLessThan(300);
    begun = 0;
    expect(
      await eventually(
        () => flood(100, 20),
        (counts) => counts[200] === 100,
        60,
      ),
    ).toEqual({ 200: 100 });
    closeAll();
  });
});

test("a gateway that may open few files lets go whom it cannot serve, serves the others, and all when they are gone", async () => {
  const own = port(8180);
  const ports = { APP_PORT: `${own}`, DAPR_HTTP_PORT: `${port(3500)}`, DAPR_GRPC_PORT: `${port(3600)}` };
  const small = spawn("sh", ["-c", "ulimit -n 600 && exec node dist/services/api-gateway/main.js"], {
    env: { PATH: process.env.PATH, LOG_LEVEL: "warn", ...ports },
    stdio: "ignore",
  });
  const products = () => fetch(`http://127.0.0.1:${own}/products?limit=1`).then(({ status }) => status);
  const others: Socket[] = [];
  try {
    expect(await eventually(products, (status) => status === 200)).toBe(200);
    for (let n = 0; n < 600; n++) others.push(connect(own, "127.0.0.1").on("error", () => undefined));
    await eventually(
      async () => others.filter(({ closed }) => closed).length,
      (closed) => closed > 300,
    );
    const open = others.filter(({ closed }) => !closed);
    expect(open.length).toBeGreaterThan(200);
    expect(open.length).toBeLessThan(300);
    for (const socket of others) socket.destroy();
    expect(await eventually(products, (status) => status === 200)).toBe(200);
    expect(small.exitCode).toBeNull();
  } finally {
    small.kill("SIGKILL");
  }
});
