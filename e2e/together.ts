import { expect, test } from "vitest";
import { pause, processing } from "./support/plays.js";
import { type Scene, scene, staff } from "./support/scene.js";
import { atOnce, sql, statementOf, stockOf, timelineOf } from "./support/system.js";

// Transactions and events of several orders go together (kit/batch.ts). What goes wrong with all of them at once?

const commit = '"name":"place"';
const created = "/pubsub/orders.created";
const crowd = (size: number) => atOnce(Array.from({ length: size }), 8, () => scene());

/**
 * Two orders are held where these texts pass, which is as many as may be under way; the others come meanwhile, and so go
 * together when the two are let go. Gives the answers to the others.
 */
async function gathered(texts: string, others: Scene[]) {
  const [point, before, sign] =
    texts === commit
      ? ["order.before-commit", "order.after-call", "/rpc/hold"]
      : ["order.before-call", "order.after-commit", commit];
  const two = await crowd(2);
  const placed: Promise<unknown>[] = [];
  for (const s of two) {
    s.arm(point, "hold 1", texts);
    placed.push(s.place("card_ok"));
    // Only then the second, or both might go together.
    await s.hit(point);
  }
  for (const s of new Set(others)) s.arm(before, "watch 9", sign);
  const meanwhile = others.map((s) => s.place("card_ok"));
  // All have done what comes right before; it must not take so long that the two are not waited for any more (3 s).
  const isNext = (s: Scene) => s.passed(before) >= others.filter((o) => o === s).length;
  while (!others.every(isNext)) await pause(0.02);
  await pause(0.2);
  await Promise.all(two.map((s) => s.letGo(point)));
  const answers = await Promise.all(meanwhile);
  await Promise.all(placed);
  for (const s of [...two, ...others]) await isRight(s);
  return answers.map(({ status }) => status);
}

/** Paid once, packed once, and every change is there once. */
async function isRight(s: Scene): Promise<void> {
  await s.until("processing");
  const timeline = await timelineOf(staff, s.id);
  expect(timeline.filter(({ kind }) => kind === "status").map(({ status }) => status)).toEqual(processing);
  expect((await statementOf(s.id)).charges.filter(({ status }) => status === "succeeded")).toHaveLength(1);
  expect(await stockOf(s.product_id)).toMatchObject({ on_hand: 9, held: 0, reserved: 1 });
  expect(s.missed()).toEqual([]);
}

/** How many commits stored these orders, as PostgreSQL counts them. */
async function commitsOf(some: Scene[]): Promise<number> {
  const keys = some.map(({ id }) => `'history:${id}:1'`).join();
  const count = `SELECT count(DISTINCT xmin::text) FROM state WHERE key IN (${keys})`;
  return (await sql<[[number]]>("order", "query", count))[0][0];
}

test("those that wait are stored by one commit", async () => {
  const some = await crowd(6);
  expect(await gathered(commit, some)).toEqual(some.map(() => 201));
  expect(await commitsOf(some)).toBe(1);
});

test("the same order twice among them: the commit is refused, and each is tried by itself", {
  timeout: 120_000,
}, async () => {
  const some = await crowd(4);
  const [twice, other] = some as [Scene, Scene];
  other.arm("order.before-commit", "watch 9", commit);
  expect((await gathered(commit, [...some, twice])).sort()).toEqual([200, 201, 201, 201, 201]);
  expect(other.passed("order.before-commit")).toBe(2);
  expect(await commitsOf(some)).toBe(some.length);
});

test.each([
  ["the answer to their commit is lost", "order.after-commit", "error 1", commit],
  ["the process dies after their commit", "order.after-commit", "crash 1", commit],
])("%s: they were stored, and are not stored again", async (_, point, does, texts) => {
  const some = await crowd(6);
  some[0]?.arm(point, does, texts);
  const answers = await gathered(texts, some);
  expect(answers.every((status) => status === 200 || status === 201)).toBe(true);
  expect(await commitsOf(some)).toBe(1);
});

test.each([
  ["the process dies before their commit", "order.before-commit", "crash 1", commit],
  ["the answer to their events is lost", "order.after-call", "error 1", `/bulk${created}`],
  ["the broker loses their events", "order.before-call", "forget 1", `/bulk${created}`],
  ["the process dies before their events are sent", "order.before-call", "crash 1", `/bulk${created}`],
  ["the process dies after their events were sent", "order.after-call", "crash 1", `/bulk${created}`],
])("%s: each comes to its end, once", async (_, point, does, texts) => {
  const some = await crowd(6);
  some[0]?.arm(point, does, texts);
  await gathered(texts.replace("/bulk", ""), some);
});
