import { randomUUID } from "node:crypto";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Claims } from "../contracts/user.js";
import { type Envelope, subscribe } from "./events.js";
import { app } from "./http.js";
import { listen } from "./listen.js";
import { logger } from "./log.js";
import { Early, Unavailable, Unhandleable } from "./problem.js";
import type { Sql } from "./sql.js";
import type { Store } from "./state.js";

// One consumer of orders.cancelled over a store in memory; what its handler does, each test decides.

type Row = { topic: string; reason: string; tries: number; body: string; at: string };
const rows = new Map<string, Row>();
const store = {
  get: async (key: string) => (rows.has(key) ? { value: rows.get(key), etag: "1" } : { value: undefined }),
  insert: async (key: string, value: Row) => !rows.has(key) && Boolean(rows.set(key, value)),
  transact: async ([{ key, value }]: [{ key: string; value: Row }]) => Boolean(rows.set(key, value)),
  remove: async (key: string) => void rows.delete(key),
} as unknown as Store;

/** All that wait; what the statement asks for besides, e2e looks at. */
const sql = {
  sure: async () => [...rows].flatMap(([key, row]) => (key.startsWith("early:") ? [{ ...row, key }] : [])),
} as unknown as Sql;

let handle: (event: Envelope) => Promise<unknown>;
let early: () => Promise<void>;
let server: Server;
beforeAll(async () => {
  const web = app(logger("test", "silent"), async () => true);
  const authenticate = async () => ({ roles: ["admin"] }) as Claims;
  const deps = { store, sql, authenticate, log: logger("test", "silent") };
  early = subscribe(web.router, "payment", { "orders.cancelled": (_, event) => handle(event) }, deps);
  server = await listen(web, 0, "127.0.0.1");
});
afterAll(() => void server.close());

const post = async (path: string, body?: object) => {
  const { port } = server.address() as AddressInfo;
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body ?? {}),
  });
  return answer.status;
};
const event = () => ({
  ...{ specversion: "1.0", id: randomUUID(), source: "order", type: "orders.cancelled" },
  data: { order_id: randomUUID(), user_id: randomUUID(), cancelled_at: new Date().toISOString() },
});
/** The one row there is after a message, and how to drive it again. */
async function kept(path: string, body: object) {
  rows.clear();
  expect(await post(path, body)).toBe(200);
  const [key] = [...rows.keys()] as [string];
  return { row: () => rows.get(key), redrive: () => post(`/admin/dead-letters/payment/${key.split(":")[1]}/redrive`) };
}
const refused = async () => {
  throw new Unhandleable("contradicts");
};
const unknown = async () => {
  throw new Early("nobody knows it");
};

test("what is away is tried again by the broker, and no dead letter", async () => {
  rows.clear();
  handle = async () => {
    throw new Unavailable("the state store");
  };
  expect(await post("/events/orders.cancelled", event())).toBe(503);
  expect(rows.size).toBe(0);
});

test("a refusal is kept; re-driven it counts the tries, and is gone when it is handled, by its own id", async () => {
  handle = refused;
  const message = event();
  const letter = await kept("/events/orders.cancelled", message);
  expect(letter.row()).toMatchObject({ topic: "orders.cancelled", reason: "contradicts", tries: 0 });
  expect(await letter.redrive()).toBe(409);
  expect(letter.row()).toMatchObject({ tries: 1 });
  const seen: Envelope[] = [];
  handle = async (envelope) => seen.push(envelope);
  expect(await letter.redrive()).toBe(204);
  expect(seen).toEqual([{ id: message.id, source: "order" }]);
  expect(await letter.redrive()).toBe(404);
});

test("what is early waits, is tried again, and is gone when it is handled, by its own id", async () => {
  handle = unknown;
  const message = event();
  const { row } = await kept("/events/orders.cancelled", message);
  expect([...rows.keys()]).toEqual([expect.stringMatching(/^early:/)]);
  expect(await post("/events/orders.cancelled", message)).toBe(200);
  await early();
  expect([rows.size, row()?.topic]).toEqual([1, "orders.cancelled"]);
  const seen: Envelope[] = [];
  handle = async (envelope) => seen.push(envelope);
  await early();
  expect([rows.size, seen]).toEqual([0, [{ id: message.id, source: "order" }]]);
  await early();
  expect(seen).toHaveLength(1);
});

test("what stays early is a dead letter after a minute; re-driven it is not waited for", async () => {
  handle = unknown;
  const { row } = await kept("/events/orders.cancelled", event());
  const waits = row() as Row;
  waits.at = new Date(Date.now() - 59_000).toISOString();
  await early();
  expect([...rows.values()]).toEqual([waits]);
  waits.at = new Date(Date.now() - 60_000).toISOString();
  await early();
  const [[key, letter]] = [...rows] as [[string, Row]];
  expect([key, letter]).toEqual([
    expect.stringMatching(/^dead-letter:/),
    expect.objectContaining({ topic: "orders.cancelled", reason: "nobody knows it", body: waits.body, tries: 0 }),
  ]);
  expect(await post(`/admin/dead-letters/payment/${key.split(":")[1]}/redrive`)).toBe(409);
  expect([...rows.values()]).toEqual([expect.objectContaining({ tries: 1 })]);
});

test("what is early and then contradicts is a dead letter at once; what is away meanwhile leaves it waiting", async () => {
  handle = unknown;
  const { row } = await kept("/events/orders.cancelled", event());
  handle = async () => {
    throw new Unavailable("the state store");
  };
  (row() as Row).at = new Date(0).toISOString();
  await expect(early()).rejects.toThrow("the state store is away");
  expect([...rows.keys()]).toEqual([expect.stringMatching(/^early:/)]);
  handle = refused;
  await early();
  expect([...rows.values()]).toEqual([expect.objectContaining({ reason: "contradicts" })]);
});

test("while the store or another service is away a re-drive is 503 and the row stays as it is", async () => {
  handle = refused;
  const letter = await kept("/events/orders.cancelled", event());
  handle = async () => {
    throw new Unavailable("the state store");
  };
  expect(await letter.redrive()).toBe(503);
  expect(letter.row()).toMatchObject({ reason: "contradicts", tries: 0 });
});

test.each([
  ["the topic that Dapr notes", { ...event(), type: "other", topic: "orders.cancelled" }, "orders.cancelled"],
  ["else its type", event(), "orders.cancelled"],
  ["else none: it can only be discarded", { ...event(), type: "orders.shipped" }, "dead-letter.payment"],
])("an undeliverable message is of %s", async (_, message, topic) => {
  handle = async () => undefined;
  const data_base64 = Buffer.from(JSON.stringify(message)).toString("base64");
  const letter = await kept("/dead-letters", { id: randomUUID(), data_base64 });
  expect(letter.row()).toMatchObject({ topic, reason: "undeliverable", body: JSON.stringify(message) });
  expect(await letter.redrive()).toBe(topic === "orders.cancelled" ? 204 : 409);
});

test("the same message is one row, however often it comes", async () => {
  const data_base64 = Buffer.from([0, 255, 1]).toString("base64");
  const letter = await kept("/dead-letters", { id: "1", data_base64 });
  expect(await post("/dead-letters", { id: "2", data_base64 })).toBe(200);
  expect(rows.size).toBe(1);
  expect(letter.row()?.body).not.toContain("\0");
});
