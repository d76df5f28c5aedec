import { beforeAll, expect, test } from "vitest";
import { config, eventually, sql } from "./support/system.js";

// Rows are planted with an age. In this system they age 60 times faster (RETENTION_SPEED), and are looked at every second.

type Owner = Parameters<typeof sql>[0];
type Planted = [service: Owner, row: string, value: object, days: number];

const mark = crypto.randomUUID();
const never = "9999-01-01T00:00:00.000Z";
const letter = { topic: "orders.created", body: "{", reason: "planted", tries: 0, at: "2026-01-01T00:00:00.000Z" };

const gone: Planted[] = [
  ["order", "command:o:", { body: "b" }, 8],
  ["order", "dead-letter:", letter, 91],
  ["payment", "dead-letter:", letter, 91],
  ["notification", "dead-letter:", letter, 91],
  ["inventory", "dead-letter:", letter, 91],
  ["notification", "notification:sent", { delivery: "sent" }, 366],
  ["notification", "notification:undelivered", { delivery: "undelivered" }, 366],
  ["inventory", "hold:lapsed", { status: "lapsed" }, 2],
];
const kept: Planted[] = [
  ["order", "command:young:", { body: "b" }, 6],
  ["order", "dead-letter:young:", letter, 89],
  ["order", "outbox:", { messages: [], traceparent: "", due: never }, 10_000],
  ["payment", "outbox:", { messages: [], traceparent: "", due: never }, 10_000],
  ["inventory", "outbox:", { messages: [], traceparent: "", due: never }, 10_000],
  ["payment", "account:planted", { due_at: null, payments: [], cancelled: true }, 10_000],
  ["order", "history:planted:", { order_id: mark, seq: 1 }, 10_000],
  ["notification", "notification:young", { delivery: "sent" }, 364],
  ["notification", "notification:pending", { delivery: "pending", due: never }, 10_000],
  ["inventory", "hold:young", { status: "lapsed" }, 0.9],
  ["inventory", "hold:closed", { status: "closed" }, 10_000],
  ["inventory", "hold:short", { status: "short" }, 10_000],
];

const key = (row: string) => `${row}${mark}`;
const plant = ([service, row, value, days]: Planted, updated = "NULL") =>
  sql(
    service,
    "exec",
    `INSERT INTO state (key, value, isbinary, insertdate, updatedate) VALUES ('${key(row)}', '${JSON.stringify(value)}',
     false, now() - interval '${days / 60} days', ${updated})`,
  );
const isThere = async ([service, row]: Planted) =>
  (await sql<[[number]]>(service, "query", `SELECT count(*) FROM state WHERE key = '${key(row)}'`))[0][0] === 1;
const goes = (row: Planted) =>
  eventually(
    () => isThere(row),
    (there) => !there,
  );

beforeAll(async () => {
  for (const row of [...kept, ...gone]) await plant(row);
  return async () => {
    for (const [service, row] of kept) await sql(service, "exec", `DELETE FROM state WHERE key = '${key(row)}'`);
  };
});

test("rows that have had their time go, younger ones and those that are needed stay", async () => {
  for (const row of gone) expect([row, await goes(row)]).toEqual([row, false]);
  for (const row of kept) expect([row, await isThere(row)]).toEqual([row, true]);
});

test("a row that was written again stays; how long is followed live", async () => {
  const again: Planted = ["order", "dead-letter:again:", letter, 10_000];
  const after: Planted = ["order", "dead-letter:after:", letter, 10_000];
  await plant(again, "now() - interval '0.9 days'");
  await plant(after);
  expect(await goes(after)).toBe(false);
  expect(await isThere(again)).toBe(true);
  expect((await config("set", "keep_dead_letters_days", "7")).code).toBe(0);
  expect(await goes(again)).toBe(false);
});

test("a pass takes what piled up, however much", async () => {
  const many = `INSERT INTO state (key, value, isbinary, insertdate)
    SELECT 'command:many:' || n, '{"body":"b"}', false, now() - interval '1 day' FROM generate_series(1, 1300) n`;
  await sql("order", "exec", many);
  const left = await eventually(
    async () =>
      (await sql<[[number]]>("order", "query", "SELECT count(*) FROM state WHERE key LIKE 'command:many:%'"))[0][0],
    (count) => count === 0,
  );
  expect(left).toBe(0);
});
