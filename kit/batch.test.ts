import { expect, test, vi } from "vitest";
import { batched } from "./batch.js";
import { context, within } from "./context.js";

/** A way that is open for one batch at a time, when it is told so. */
function way(lanes = 1, most = 3) {
  const batches: number[][] = [];
  const going: (() => void)[] = [];
  const traces: (string | undefined)[] = [];
  const ask = batched<number, number>({ most, lanes }, async (items) => {
    batches.push(items);
    traces.push(context()?.traceparent);
    await new Promise<void>((go) => going.push(go));
    if (items.includes(13)) throw new Error("13");
    return items.map((item) => item * 10);
  });
  const arrive = async () => {
    going.shift()?.();
    await turn();
  };
  return { ask, arrive, batches, traces };
}

const turn = () => new Promise(setImmediate);

test("one alone goes at once, those that come meanwhile go together, no more than may", async () => {
  const { ask, arrive, batches } = way();
  const asked = [ask(1)];
  await turn();
  asked.push(...[2, 3, 4, 5].map(ask));
  await turn();
  expect(batches).toEqual([[1]]);
  await arrive();
  expect(batches).toEqual([[1], [2, 3, 4]]);
  await arrive();
  await arrive();
  expect(batches).toEqual([[1], [2, 3, 4], [5]]);
  expect(await Promise.all(asked)).toEqual([10, 20, 30, 40, 50]);
});

test("what comes in with one turn of the event loop goes together", async () => {
  const { ask, batches } = way();
  for (const n of [1, 2]) void ask(n);
  await turn();
  expect(batches).toEqual([[1, 2]]);
});

test("so many are under way at once as there are lanes", async () => {
  const { ask, batches } = way(2, 1);
  for (const n of [1, 2, 3, 4]) void ask(n);
  await turn();
  expect(batches).toEqual([[1], [2]]);
});

test("a batch that hangs does not hold up what comes after it, and is answered all the same", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const { ask, arrive, batches } = way();
  const first = ask(1);
  await turn();
  const second = ask(2);
  await turn();
  expect(batches).toEqual([[1]]);
  vi.advanceTimersByTime(3_000);
  expect(batches).toEqual([[1], [2]]);
  void ask(3);
  await turn();
  expect(batches).toEqual([[1], [2]]);
  await arrive();
  await arrive();
  expect(await Promise.all([first, second])).toEqual([10, 20]);
  expect(batches).toEqual([[1], [2], [3]]);
  vi.useRealTimers();
});

test("a batch that fails fails for everybody in it, and the next one goes on", async () => {
  const { ask, arrive } = way(1, 2);
  const asked = Promise.allSettled([1, 2, 13, 3].map(ask));
  await turn();
  await arrive();
  await arrive();
  expect((await asked).map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "rejected"]);
  const next = ask(4);
  await turn();
  await arrive();
  expect(await next).toBe(40);
});

test("one alone keeps its trace, several have none of anybody", async () => {
  const { ask, arrive, traces } = way();
  const from = (n: number) => within({ request_id: String(n), traceparent: `trace ${n}` }, () => ask(n));
  const asked = [from(1)];
  await turn();
  asked.push(from(2), from(3));
  await turn();
  await arrive();
  await arrive();
  await Promise.all(asked);
  expect(traces).toEqual(["trace 1", undefined]);
});
