import { expect, test } from "vitest";
import { noPayment, type Order } from "./order.js";
import { wants } from "./wake.js";

const quietSince = "2026-01-01T12:00:00.000Z";
const later = (minutes: number) => Date.parse(quietSince) + minutes * 60_000;
const order = {
  status: "payment_required",
  payment: noPayment,
  refunds: [],
  updated_at: quietSince,
} as unknown as Order;
const waiting: Order = { ...order, payment: { ...noPayment, status: "pending", attempt: 1, method: "card_ok" } };

test("an order that waits for nobody's answer wants its saga to look", () => {
  expect(wants(order, later(1))).toBe("hint");
});

test("one whose saga asks by itself wants nothing, until nothing was asked for longer than a saga ever waits", () => {
  expect([wants(waiting, later(9)), wants(waiting, later(11))]).toEqual([undefined, "reminder"]);
});
