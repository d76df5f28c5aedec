import { expect, test } from "vitest";
import { type Costs, coresAt, partitions, plan } from "./capacity.js";

const costs: Costs = {
  order: { order: 5, base: 100, memory: 100 },
  "order-daprd": { order: 4, base: 10, memory: 50 },
  postgres: { order: 6, base: 20, memory: 300 },
};

test("a core is filled to three fifths, of which a process takes its part before the first order", () => {
  expect(plan(1_000, costs)).toEqual([
    { name: "order", cores: 9 + 1.1, instances: 10, memory: 1_500 },
    { name: "postgres", cores: 6.02, instances: 1, memory: 300 },
  ]);
});

test("nobody is alone, however little there is to do", () => {
  expect(plan(1, costs)[0]).toMatchObject({ instances: 2, memory: 300 });
});

test("cores grow with the rate from what a part takes before the first order", () => {
  expect([0, 10, 100].map((rate) => coresAt(rate, { order: 5, base: 100, memory: 0 }))).toEqual([0.1, 0.15, 0.6]);
});

test("partitions: as many as are busy at once, and room", () => {
  expect([partitions(100, 10), partitions(1_000, 10)]).toEqual([2, 17]);
});
