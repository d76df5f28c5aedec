import { expect, test } from "vitest";
import { committer } from "../kit/commit.js";
import { connect } from "../kit/dapr.js";
import { stateStore } from "../kit/state.js";
import { logOf, port, tokens } from "./support/system.js";

// What a commit promises (kit/commit.ts), asked of the real database through the order service's sidecar.

const dapr = connect({ DAPR_HTTP_PORT: port(3502), DAPR_API_TOKEN: tokens("order").api });
const commit = committer(dapr, "order");
const store = stateStore(dapr, "order");

type Row = { n: number; text?: string };
const fresh = () => `test:${crypto.randomUUID()}`;
const read = async (key: string) => (await store.get<Row>(key)).value;
const etagOf = async (key: string) => (await store.get<Row>(key)).etag;

test("all kinds of writes are stored together, as the state store reads them", async () => {
  const [inserted, put, changed, removed] = [fresh(), fresh(), fresh(), fresh()];
  await commit([
    { key: changed, value: { n: 1 }, insert: true },
    { key: put, value: { n: 1 } },
    { key: removed, value: { n: 1 } },
  ]);
  const text = `"quotes", \\, 100 %, $1, Zoë 🎁 and '; DROP TABLE state`;
  const done = await commit([
    { key: inserted, value: { n: 2, text }, insert: true },
    { key: put, value: { n: 2 } },
    { key: changed, value: { n: 2 }, etag: await etagOf(changed) },
    { key: removed, remove: true },
    { key: fresh(), remove: true },
  ]);
  expect(done).toBe(true);
  expect([await read(put), await read(changed), await read(removed)]).toEqual([{ n: 2 }, { n: 2 }, undefined]);
  expect(await read(inserted)).toEqual({ n: 2, text });
});

test("a row that was changed or removed since it was read, or is there already, and nothing of the commit is stored", async () => {
  const [there, gone, kept, other] = [fresh(), fresh(), fresh(), fresh()];
  await commit([there, gone, kept].map((key) => ({ key, value: { n: 1 } })));
  const [old, oldOfGone] = [await etagOf(there), await etagOf(gone)];
  await commit([
    { key: there, value: { n: 2 }, etag: old },
    { key: gone, remove: true },
  ]);
  for (const guarded of [
    { key: there, value: { n: 3 }, etag: old },
    { key: gone, value: { n: 3 }, etag: oldOfGone },
    { key: there, value: { n: 3 }, insert: true },
  ]) {
    expect(await commit([{ key: other, value: { n: 3 } }, guarded, { key: kept, remove: true }])).toBe(false);
    expect([await read(other), await read(there), await read(kept)]).toEqual([undefined, { n: 2 }, { n: 1 }]);
  }
});

test("the same row twice in a commit is refused: neither is lost", async () => {
  const key = fresh();
  expect(await commit([1, 2].map((n) => ({ key, value: { n }, insert: true })))).toBe(false);
  await commit([{ key, value: { n: 1 } }]);
  const etag = await etagOf(key);
  expect(await commit([2, 3].map((n) => ({ key, value: { n }, etag })))).toBe(false);
  expect(await read(key)).toEqual({ n: 1 });
});

test("of many who change a row at the same time each one counts", async () => {
  const key = fresh();
  await commit([{ key, value: { n: 0 } }]);
  const count = async (): Promise<void> => {
    const { value, etag } = await store.get<Row>(key);
    if (!(await commit([{ key, value: { n: (value as Row).n + 1 }, etag }]))) await count();
  };
  await Promise.all(Array.from({ length: 30 }, count));
  expect(await read(key)).toEqual({ n: 30 });
});

const deadlocks = () => logOf("postgres").split("deadlock detected").length;

test("two commits that change the same rows, named in any order, do not wait for each other for ever", async () => {
  const before = deadlocks();
  const keys = Array.from({ length: 30 }, fresh);
  await commit(keys.map((key) => ({ key, value: { n: 0 } })));
  for (let n = 1; n <= 20; n++) {
    const changes = await Promise.all(keys.map(async (key) => ({ key, value: { n }, etag: await etagOf(key) })));
    const both = [changes, [...changes].reverse()];
    expect((await Promise.all(both.map(commit))).sort()).toEqual([false, true]);
  }
  expect(deadlocks()).toBe(before);
});

test("a row that comes a second time, while the first is changed, waits for nobody", async () => {
  const before = deadlocks();
  for (let n = 0; n < 100; n++) {
    const [row, beside] = [fresh(), fresh()];
    await commit([
      { key: row, value: { n: 0 }, insert: true },
      { key: beside, value: { n: 0 } },
    ]);
    const changed = { key: row, value: { n: 1 }, etag: await etagOf(row) };
    const again = { key: row, value: { n: 2 }, insert: true };
    const outcomes = await Promise.all([
      commit([{ key: beside, value: { n: 2 } }, again]),
      commit([changed, { key: beside, remove: true }]),
      commit([again, { key: beside, value: { n: 2 } }]),
    ]);
    expect(outcomes).toEqual([false, true, false]);
    expect([await read(row), await read(beside)]).toEqual([{ n: 1 }, undefined]);
  }
  expect(deadlocks()).toBe(before);
});
