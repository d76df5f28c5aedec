import { expect, test } from "vitest";
import { type Figures, tableOf } from "./figures.js";
import { comparison, meanOf, ratioOf } from "./ratios.js";

const figures = (shape: string, concurrency: number, rate: number, ms: number | null): Figures => ({
  shape,
  concurrency,
  orders_per_second: rate,
  post_p50_ms: ms,
  post_p99_ms: ms,
  e2e_p50_ms: ms,
  e2e_p99_ms: ms,
  cpu_ms_per_order: ms,
  pss_mb: 100,
  orders: 50,
  errors: 1,
  cpu_by_process: {},
  pss_by_process: {},
});

test("rounds: the mean of every figure that there is, the sum of what was counted", () => {
  const mean = meanOf([figures("ours", 16, 40, 20), figures("ours", 16, 61, null), figures("ours", 16, 50, 30)]);

  expect(mean).toMatchObject({ shape: "ours", concurrency: 16, orders_per_second: 50.3, post_p50_ms: 25, pss_mb: 100 });
  expect(mean).toMatchObject({ orders: 150, errors: 3 });
});

test("a ratio says how many times theirs ours is, and nothing where there is nothing to divide", () => {
  const [ours, theirs, none] = [figures("ours", 1, 30, 60), figures("dbos", 1, 40, 20), figures("dbos", 1, 0, null)];

  expect(ratioOf(ours, theirs)).toMatchObject({
    orders_per_second: 0.75,
    e2e_p99_ms: 3,
    cpu_ms_per_order: 3,
    pss_mb: 1,
  });
  expect(ratioOf(ours, none)).toMatchObject({ orders_per_second: null, e2e_p99_ms: null, pss_mb: 1 });
  expect(ratioOf(none, ours)).toMatchObject({ orders_per_second: 0, e2e_p99_ms: null });
});

test("the comparison goes by size: each system once, then ours to each of the others", () => {
  const round = [1, 64].flatMap((at) => ["ours", "restate", "dbos"].map((shape) => figures(shape, at, 30, 20)));
  const rows = comparison([...round, ...round]).flatMap(({ means, ratios }) => [...means, ...ratios]);

  const names = ["ours", "restate", "dbos", "ours : restate", "ours : dbos"];
  expect(rows.map(({ shape, concurrency }) => [concurrency, shape])).toEqual(
    [1, 64].flatMap((at) => names.map((name) => [at, name])),
  );
  expect(rows.map(({ orders }) => orders).slice(0, 5)).toEqual([100, 100, 100, undefined, undefined]);
  expect(tableOf(rows).split("\n")).toHaveLength(11);
});
