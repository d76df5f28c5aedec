import { expect, test } from "vitest";
import type { Statement } from "../contracts/console.js";
import type { OrderView, Status, TimelineEntry } from "../contracts/order.js";
import { verdict } from "./verdict.js";

const at = (second: number) => `2026-01-01T00:00:0${second}.000Z`;
const story = (...names: string[]) =>
  names.map(
    (name, n): TimelineEntry => ({
      ...{ seq: n + 1, at: at(n), kind: "status", name, status: "paid", actor: "a", trace_id: null },
    }),
  );
const order = (status: Status, over: Partial<OrderView> = {}) =>
  ({
    ...{ status, total: "10.00", currency: "EUR", updated_at: at(9), reservation: null },
    ...{ payment: { status: "succeeded", refund: null } },
    ...over,
  }) as OrderView;
const took = (charges: number, refunds = 0): Statement => {
  const moved = (n: number) =>
    Array.from({ length: n }, () => ({ status: "succeeded", amount: 1000, currency: "EUR" }));
  return { charges: moved(charges), refunds: moved(refunds), net: 1000 * (charges - refunds) };
};
const hit = { at: Date.parse(at(0)), good: false };
const reservation = { reservation_id: "r", reserved_at: at(2) };
const good = story("place", "payments.succeeded", "inventory.reserved");

test("one charge, the goods reserved, nothing twice: right, and it says how long that took", () => {
  const said = verdict({ order: order("processing", { reservation }), timeline: good, statement: took(1), hit });
  expect(said).toMatchObject({ state: "right", title: "Finished correctly, 2.0 s after the crash" });
});

test("an order that had ended before is no proof, and is not called one", () => {
  const facts = { order: order("processing", { reservation }), timeline: good, statement: took(1) };
  expect(verdict({ ...facts, hit: { at: Date.parse(at(3)), good: false } }).title).toContain(
    "before anything was broken",
  );
});

test.each<[string, Statement, TimelineEntry[]]>([
  ["charged twice", took(2), good],
  ["charged twice and given back once", took(2, 1), good],
  ["never charged", took(0), good],
  ["charged and given back", took(1, 1), good],
  ["reserved twice", took(1), [...good, ...story("inventory.reserved")]],
])("%s is wrong", (_, statement, timeline) => {
  expect(verdict({ order: order("processing", { reservation }), timeline, statement, hit }).state).toBe("wrong");
});

test("undone: as much given back as taken, and the goods on the shelf", () => {
  const refund = { status: "done" as const, refund_id: "f", amount: "10.00" };
  const cancelled = order("cancelled", { reservation, payment: { ...order("paid").payment, refund } });
  const timeline = story("place", "payments.succeeded", "cancel", "inventory.released", "payments.refunded");
  expect(verdict({ order: cancelled, timeline, statement: took(1, 1), hit }).state).toBe("right");
  expect(verdict({ order: cancelled, timeline, statement: took(1, 0), hit }).state).toBe("wrong");
});

test("before the end there is no verdict", () => {
  for (const status of ["payment_required", "paid"] as const)
    expect(verdict({ order: order(status), timeline: good, statement: took(1), hit }).state).toBe("running");
  expect(
    verdict({ order: order("processing", { reservation }), timeline: good, statement: undefined, hit }).state,
  ).toBe("running");
  expect(
    verdict({ order: order("cancelled"), timeline: story("place", "cancel"), statement: took(0), hit }).state,
  ).toBe("running");
  const refund = { status: "failed" as const, refund_id: "f", amount: "10.00" };
  const cancelled = order("cancelled", { payment: { ...order("paid").payment, refund } });
  const timeline = story("place", "cancel", "inventory.released");
  expect(verdict({ order: cancelled, timeline, statement: took(1), hit }).state).toBe("running");
});
