import { expect, test } from "vitest";
import { comparisonOf, figuresOf, processesOf, quantile, tableOf, timesOf } from "./figures.js";
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
  pssMb: { order: 512.16, postgres: 300.24 },
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
    pss_by_process: { order: 512.2, postgres: 300.2 },
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

test("situations are compared with the first of them", () => {
  const few = figuresOf(measured);
  const many = { ...few, orders_per_second: 1.5, cpu_ms_per_order: null };
  const [, first, second] = comparisonOf("stored", [
    ["0", few],
    ["10,000", many],
  ]).split("\n");

  expect(first?.split(/ {2,}/)).toEqual(["0", "2", "× 1", "25", "× 1", "300", "× 1", "812", "× 1", "1"]);
  expect(second?.split(/ {2,}/)).toEqual(["10,000", "1.5", "× 0.75", "-", "300", "× 1", "812", "× 1", "1"]);
  expect([timesOf(3, 0), timesOf(null, 2)]).toEqual(["", ""]);
});

test("processes, the busiest first", () => {
  const lines = processesOf(figuresOf({ ...measured, cpuAfter: { order: 1000, postgres: 540 } })).split("\n");

  expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
    ["process", "CPU ms/order", "PSS MB"],
    ["postgres", "10", "300.2"],
    ["order", "0", "512.2"],
  ]);
});

test("quantiles sort by number", () => {
  expect(quantile([9, 100, 11], 0.5)).toBe(11);
});

test("waiting for the disk is not busy", () => {
  expect(busyShare([0, 0, 0, 0, 0, 0, 0, 0], [10, 0, 10, 60, 20, 0, 0, 0])).toBeCloseTo(0.2);
  expect(busyMs([0, 0, 0, 0, 0, 0, 0, 0], [10, 0, 10, 60, 20, 0, 0, 0])).toBe(200);
});
