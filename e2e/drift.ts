import { expect, test } from "vitest";
import { eventually, reconcile, rowsUnder } from "./support/system.js";

test("after all that was done to it, money and stock are where the orders say", async () => {
  const orders = await rowsUnder("order", "order:");
  const run = await eventually(
    reconcile,
    ({ findings, coverage }) => findings.length === 0 && coverage.orders >= orders,
    60,
  );
  expect(run.findings).toEqual([]);
  expect(run).toMatchObject({ state: "done", scope: "all", drift: {}, stock_drift: 0 });
  expect(run.coverage.orders).toBeGreaterThanOrEqual(orders);
  expect(run.coverage.products).toBeGreaterThan(0);
  console.log(
    `compared ${run.coverage.orders} orders (${run.coverage.skipped} partly), ${run.coverage.products} products`,
  );
});
