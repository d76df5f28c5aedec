import { expect, test } from "vitest";
import type { OrderView, Status, TimelineEntry } from "../contracts/order.js";
import { picture } from "./picture.js";

const blank: OrderView = {
  ...{ id: "o", user_id: "ada", status: "payment_required", items: [], subtotal: "10.00", tax: "0.00", total: "10.00" },
  ...{ currency: "EUR", customer_notes: null, metadata: {}, pay_by: "2026-01-01T00:30:00.000Z" },
  payment: { status: "none", attempt: 0, method: null, payment_id: null, amount: null, code: null, refund: null },
  ...{ reservation: null, shipment: null, cancel_reason: null, version: 1 },
  ...{ created_at: "2026-01-01T00:00:00.000Z", updated_at: "2026-01-01T00:00:00.000Z" },
};
type Over = Partial<Omit<OrderView, "payment">> & { payment?: Partial<OrderView["payment"]> };
const order = ({ payment, ...over }: Over): OrderView => ({
  ...blank,
  ...over,
  payment: { ...blank.payment, ...payment },
});
const story = (...names: string[]): TimelineEntry[] =>
  names.map((name, n) => ({
    ...{ seq: n + 1, at: `2026-01-01T00:00:0${n}.000Z`, kind: "status", name },
    ...{ status: "paid" as Status, actor: "a", trace_id: null },
  }));

const reservation = { reservation_id: "r", reserved_at: "2026-01-01T00:00:02.000Z" };
const draw = (over: Over, ...names: string[]) => picture({ order: order(over), timeline: story(...names) });
const states = ({ stops }: ReturnType<typeof picture>) =>
  Object.fromEntries(Object.entries(stops).map(([place, { state }]) => [place, state]));

test("a new order waits for its customer until pay_by, and the way back is dark", () => {
  const drawn = draw({}, "place");
  expect(drawn).toMatchObject({ here: "payment", payBy: blank.pay_by, turnedAt: null, attempts: [] });
  expect(states(drawn)).toEqual({
    ...{ placed: "done", payment: "waits", goods: "ahead", shipped: "ahead", delivered: "ahead" },
    ...{ cancelled: "ahead", goodsBack: "ahead", moneyBack: "ahead" },
  });
});

test("an attempt under way is no one's turn", () => {
  const drawn = draw({ payment: { status: "pending", attempt: 1, method: "card_ok" } }, "place");
  expect(drawn).toMatchObject({ here: "payment", payBy: null, attempts: [{ n: 1, state: "pending" }] });
  expect(drawn.stops.payment.state).toBe("active");
});

test("refused, then tried again: earlier attempts stay to be seen", () => {
  const refused = draw(
    { status: "payment_failed", payment: { status: "failed", attempt: 1, code: "card_declined" } },
    "place",
    "payments.failed",
  );
  expect(refused).toMatchObject({ here: "payment", payBy: blank.pay_by, attempts: [{ n: 1, state: "failed" }] });
  const again = draw({ payment: { status: "pending", attempt: 2 } }, "place", "payments.failed", "pay");
  expect(again.attempts.map(({ state }) => state)).toEqual(["failed", "pending"]);
});

test.each<[Status, string, Over]>([
  ["paid", "goods", {}],
  ["processing", "shipped", { reservation }],
  [
    "shipped",
    "delivered",
    { reservation, shipment: { tracking_number: "T", carrier: "C", shipped_at: "x", delivered_at: null } },
  ],
  [
    "delivered",
    "delivered",
    { reservation, shipment: { tracking_number: "T", carrier: "C", shipped_at: "x", delivered_at: "y" } },
  ],
])("when it is %s it is at %s", (status, here, over) => {
  const drawn = draw({ ...over, status, payment: { status: "succeeded", attempt: 1 } }, "place", "payments.succeeded");
  expect(drawn.here).toBe(here);
  expect(drawn.stops.payment.state).toBe("done");
});

test("handed over without shipping: the station is passed by", () => {
  const handedOver = { tracking_number: null, carrier: null, shipped_at: null, delivered_at: "y" };
  expect(states(draw({ status: "delivered", reservation, shipment: handedOver }))).toMatchObject({
    shipped: "skipped",
    delivered: "done",
  });
});

test("cancelled when paid and reserved: money and goods come back, one after the other", () => {
  const over: Over = { status: "cancelled", reservation, cancel_reason: "customer" };
  const names = ["place", "payments.succeeded", "inventory.reserved", "cancel"];
  const money = (status: "pending" | "failed" | "done") => ({
    payment: { status: "succeeded" as const, attempt: 1, refund: { status, refund_id: null, amount: "10.00" } },
  });
  const first = draw({ ...over, ...money("pending") }, ...names);
  expect(first).toMatchObject({ here: "cancelled", turnedAt: "goods" });
  expect(states(first)).toMatchObject({
    payment: "done",
    goods: "done",
    shipped: "skipped",
    cancelled: "done",
    goodsBack: "active",
    moneyBack: "active",
  });
  const failed = draw({ ...over, ...money("failed") }, ...names, "inventory.released", "payments.refund_failed");
  expect(failed).toMatchObject({
    here: "goodsBack",
    stops: { moneyBack: { state: "active", note: "refund failed, tried again" } },
  });
  const last = draw({ ...over, ...money("done") }, ...names, "inventory.released", "payments.refunded");
  expect(last).toMatchObject({ here: "moneyBack", summary: expect.stringContaining("Money and goods are back") });
});

test("cancelled before any money: nothing has to come back but the goods", () => {
  const drawn = draw(
    { status: "cancelled", cancel_reason: "payment_window_over" },
    "place",
    "expire",
    "inventory.released",
  );
  expect(drawn).toMatchObject({ turnedAt: "payment", here: "goodsBack" });
  expect(states(drawn)).toMatchObject({
    payment: "skipped",
    goods: "skipped",
    goodsBack: "done",
    moneyBack: "skipped",
  });
});

test("out of stock after it was paid: the goods failed, the money comes back", () => {
  const payment = {
    status: "succeeded" as const,
    attempt: 1,
    refund: { status: "pending" as const, refund_id: null, amount: "10.00" },
  };
  const drawn = draw(
    { status: "cancelled", cancel_reason: "out_of_stock", payment },
    "place",
    "payments.succeeded",
    "inventory.out_of_stock",
  );
  expect(states(drawn)).toMatchObject({ payment: "done", goods: "failed", moneyBack: "active" });
});

test("money that does not count lights the way back, though the order goes on", () => {
  const payment = {
    status: "succeeded" as const,
    attempt: 1,
    refund: { status: "pending" as const, refund_id: null, amount: "3.00" },
  };
  expect(draw({ status: "processing", reservation, payment })).toMatchObject({
    turnedAt: null,
    here: "shipped",
    stops: { moneyBack: { state: "active" } },
  });
});

test("what the saga asks again is counted, since the last answer and in all", () => {
  expect(draw({}, "place", "asked again", "payments.failed", "asked again", "asked again").askedAgain).toEqual({
    now: 2,
    all: 3,
  });
  expect(draw({}, "place").askedAgain).toEqual({ now: 0, all: 0 });
});
