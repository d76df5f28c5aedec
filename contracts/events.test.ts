import { expect, test } from "vitest";
import { canonical, events } from "./events.js";

const line = { product_id: "00000000-0000-4000-8000-000000000101", quantity: 2, price: "10.00" };
const created = {
  order_id: "00000000-0000-4000-8000-000000000001",
  user_id: "00000000-0000-4000-8000-000000000002",
  total: "23.80",
  currency: "EUR",
  items_count: 1,
  items: [line],
};
const holds = (over: object) => events["orders.created"].safeParse({ ...created, ...over }).success;

test.each([
  [{}, true],
  [{ total: "20.00" }, true],
  [{ total: "19.99" }, false],
  [{ total: "23.801" }, false],
  [{ total: "-23.80" }, false],
  [{ items: [{ ...line, price: "-1.00" }] }, false],
  [{ items: [{ ...line, price: "10.005" }] }, false],
  [{ currency: "JPY", total: "24", items: [{ ...line, price: "10" }] }, true],
  [{ currency: "JPY" }, false],
  [{ currency: "euros" }, false],
  [{ currency: "x" }, false],
])("orders.created with %j holds: %s", (over, expected) => {
  expect(holds(over)).toBe(expected);
});

test("older systems' field names become ours; what is no object stays as it is", () => {
  const { user_id, total, ...rest } = created;
  expect(canonical({ ...rest, customer_id: user_id, total_amount: total })).toEqual(created);
  for (const other of [null, "text", 3, [1]]) expect(canonical(other)).toEqual(other);
});
