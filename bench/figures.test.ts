import { expect, test } from "vitest";
import { figuresOf, quantile, tableOf } from "./figures.js";
import { busyMs, busyShare } from "./usage.js";

const load = {
  seconds: 2,
  cpuMs: 50,
  postMs: [10, 20, 30, 40],
  e2eMs: [100, 200, 300, 400],
  errors: { ECONNRESET: 1 },
};
const measured = {
  shape: "full",
  concurrency: 16,
  load,
  cpuBefore: { order: 1000, postgres: 500 },
  cpuAfter: { order: 1060, postgres: 540 },
  pssMb: 812.4,
};

test("the figures of a run, with exactly these names", () => {
  expect(figuresOf(measured)).toEqual({
    shape: "full",
    concurrency: 16,
    orders_per_second: 2,
    post_p50_ms: 30,
    post_p99_ms: 40,
    e2e_p50_ms: 300,
    e2e_p99_ms: 400,
    cpu_ms_per_order: 25,
    pss_mb: 812,
    orders: 4,
    errors: 1,
    cpu_by_process: { order: 15, postgres: 10 },
  });
});

test("a run in which nothing arrived has no times", () => {
  const none = figuresOf({
    ...measured,
    load: { seconds: 60, cpuMs: 0, postMs: [], e2eMs: [], errors: { "POST 503": 9 } },
  });

  expect(none).toMatchObject({ orders_per_second: 0, post_p50_ms: null, cpu_ms_per_order: null, orders: 0, errors: 9 });
  expect(tableOf([none])).toContain("full");
});

test("quantiles sort by number", () => {
  expect(quantile([9, 100, 11], 0.5)).toBe(11);
});

test("waiting for the disk is not busy", () => {
  expect(busyShare([0, 0, 0, 0, 0, 0, 0, 0], [10, 0, 10, 60, 20, 0, 0, 0])).toBeCloseTo(0.2);
  expect(busyMs([0, 0, 0, 0, 0, 0, 0, 0], [10, 0, 10, 60, 20, 0, 0, 0])).toBe(200);
});
