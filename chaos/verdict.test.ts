import { expect, test } from "vitest";
import type { OrderView } from "../contracts/order.js";
import { type Entry, type Facts, isClean, outliving, recoveries, verdictOf } from "./verdict.js";

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const payment = { status: "succeeded", attempt: 1, refund: null } as OrderView["payment"];
const order = (id: string, status: OrderView["status"], more: Partial<OrderView> = {}) =>
  ({
    ...{ id, status, payment, shipment: null, metadata: { key: `key of ${id}` } },
    ...{ total: "22.00", currency: "EUR", created_at: at(0), version: 3 },
    items: [{ product_id: "cup", quantity: 1, name: "Cup", price: "22.00" }],
    ...more,
  }) as OrderView;

const told = (...entries: [Entry["kind"], string, Entry["status"]][]): Entry[] =>
  entries.map(([kind, name, status], n) => ({ seq: n + 1, at: at(n + 1), kind, name, status }));
const toProcessing = told(
  ["status", "place", "payment_required"],
  ["status", "payments.succeeded", "paid"],
  ["status", "inventory.reserved", "processing"],
);
const givenBack = told(
  ["status", "place", "payment_required"],
  ["status", "payments.succeeded", "paid"],
  ["status", "cancel", "cancelled"],
  ["event", "inventory.released", "cancelled"],
  ["event", "payments.refunded", "cancelled"],
);
const charge = { charge_id: "charge", status: "succeeded", amount: 2200 };
const refund = { charge_id: "other charge", status: "succeeded", amount: 2200 };
const refunded = { ...payment, refund: { status: "done", refund_id: "r", amount: "22.00" } } as OrderView["payment"];

/** One order that is packed, one that was paid and cancelled, and all that belongs to them. */
function allRight(): Facts {
  return {
    keys: new Set(["key of sold", "key of back"]),
    acknowledged: [
      { what: "placed", order_id: "sold", detail: "" },
      { what: "placed", order_id: "back", detail: "" },
      { what: "cancelled", order_id: "back", detail: "" },
    ],
    orders: [order("sold", "processing"), order("back", "cancelled", { version: 5, payment: refunded })],
    history: new Map([
      ["sold", toProcessing],
      ["back", givenBack],
    ]),
    statements: [
      { reference: "sold", charges: [charge], refunds: [], net: 2200 },
      { reference: "back", charges: [{ ...charge, charge_id: "other charge" }], refunds: [refund], net: 0 },
    ],
    notifications: new Map(
      [
        ...["orders.created", "orders.paid", "orders.processing"].map((topic) => `sold ${topic}`),
        ...["orders.created", "orders.paid", "orders.cancelled", "payments.refunded"].map((topic) => `back ${topic}`),
      ].map((about) => [about, 1]),
    ),
    stock: [{ product_id: "cup", initial: 10, on_hand: 9, held: 0, reserved: 1 }],
    strange: [],
    findings: [],
    deadLetters: [],
    sagas: new Map([
      ["sold", "RUNNING"],
      ["back", "COMPLETED"],
    ]),
    unsaid: { order: 0 },
    faults: [],
  };
}

test("where all is right there is nothing to say", () => {
  expect(Object.values(verdictOf(allRight())).flat()).toEqual([]);
  expect(isClean(verdictOf(allRight()))).toBe(true);
});

test("an order that is over needs its saga no more, every other one does", () => {
  const facts = allRight();
  facts.sagas.delete("back");
  expect(isClean(verdictOf(facts))).toBe(true);
  facts.sagas.delete("sold");
  expect(verdictOf(facts).lost).toEqual(["order sold has no saga"]);
});

type Wrong = [what: string, where: keyof ReturnType<typeof verdictOf>, spoil: (facts: Facts) => unknown];
const replaced = (facts: Facts, n: number, more: Partial<OrderView>) => {
  facts.orders[n] = { ...facts.orders[n]!, ...more };
};

test.each<Wrong>([
  ["an order is gone", "lost", (facts) => facts.acknowledged.push({ what: "placed", order_id: "gone", detail: "" })],
  [
    "a cancel is undone",
    "lost",
    (facts) => facts.acknowledged.push({ what: "cancelled", order_id: "sold", detail: "" }),
  ],
  [
    "a payment is forgotten",
    "lost",
    (facts) => facts.acknowledged.push({ what: "paying", order_id: "sold", detail: "" }),
  ],
  [
    "a parcel is forgotten",
    "lost",
    (facts) => facts.acknowledged.push({ what: "shipped", order_id: "sold", detail: "T" }),
  ],
  ["a delivery is forgotten", "lost", (f) => f.acknowledged.push({ what: "delivered", order_id: "sold", detail: "" })],
  ["a note is forgotten", "lost", (facts) => facts.acknowledged.push({ what: "noted", order_id: "sold", detail: "n" })],
  ["a line of the history is missing", "lost", (facts) => replaced(facts, 0, { version: 4 })],
  ["a saga was never started", "lost", (facts) => facts.sagas.delete("sold")],
  ["the customer did not hear of it", "lost", (facts) => facts.notifications.delete("sold orders.paid")],
  ["an order waits", "stuck", (facts) => replaced(facts, 0, { status: "paid" })],
  [
    "a refund is open",
    "stuck",
    (facts) => replaced(facts, 1, { payment: { ...payment, refund: { ...refunded.refund!, status: "failed" } } }),
  ],
  [
    "goods do not come back",
    "stuck",
    (facts) =>
      facts.history.set(
        "back",
        givenBack.map((e) => ({ ...e, name: "other" })),
      ),
  ],
  ["a message was never sent", "stuck", (facts) => Object.assign(facts.unsaid, { order: 1 })],
  [
    "one request made two orders",
    "doubled",
    (facts) => facts.orders.push(order("more", "processing", { metadata: { key: "key of sold" } })),
  ],
  ["an order comes from nowhere", "doubled", (facts) => facts.keys.delete("key of sold")],
  ["a charge is taken twice", "doubled", (facts) => facts.statements[0]!.charges.push({ ...charge, charge_id: "2" })],
  ["a charge is given back twice", "doubled", (facts) => facts.statements[1]!.refunds.push(refund)],
  [
    "money of an unknown order",
    "doubled",
    (facts) => facts.statements.push({ ...facts.statements[0]!, reference: "x" }),
  ],
  ["a move happens twice", "doubled", (facts) => facts.history.get("sold")!.push(toProcessing[1]!)],
  ["the customer hears of it twice", "doubled", (facts) => facts.notifications.set("sold orders.paid", 2)],
  ["the customer hears of what never was", "doubled", (facts) => facts.notifications.set("sold orders.shipped", 1)],
  ["money was not given back", "drift", (facts) => Object.assign(facts.statements[1]!, { net: 2200 })],
  ["money was never taken", "drift", (facts) => facts.statements.shift()],
  ["units are gone", "drift", (facts) => Object.assign(facts.stock[0]!, { on_hand: 8 })],
  ["more is reserved than sold", "drift", (facts) => Object.assign(facts.stock[0]!, { on_hand: 8, reserved: 2 })],
  ["units are held for nobody", "drift", (facts) => Object.assign(facts.stock[0]!, { held: 1 })],
  ["reconciliation found something", "drift", (facts) => facts.findings.push({ detail: "found" } as never)],
  ["a workflow was ended by somebody", "strangeSagas", (facts) => facts.sagas.set("sold", "TERMINATED")],
  ["a message could not be handled", "deadLetters", (facts) => facts.deadLetters.push({ reason: "why" } as never)],
  ["a client was answered 500", "strange", (facts) => facts.strange.push("placed 500")],
])("%s: %s", (_, where, spoil) => {
  const facts = structuredClone(allRight());
  spoil(facts);
  const verdict = verdictOf(facts);
  expect(verdict[where]).not.toEqual([]);
  expect(isClean(verdict)).toBe(false);
});

test("a saga that outlives its order is seen", () => {
  const facts = structuredClone(allRight());
  facts.sagas.set("back_4", "RUNNING");
  expect(outliving(facts)).toEqual(["back_4"]);
});

test("recovery is the time from a fault's end to the first order placed after it that arrives", () => {
  const fault = { at: 0, kind: "kill", target: "order" } as const;
  const healedAt = (second: number, failed?: string) => ({
    fault,
    began: 0,
    healed: Date.parse(at(second)),
    ...(failed && { failed }),
  });
  const orders = [order("before", "processing"), order("after", "processing", { created_at: at(2) })];
  const history = new Map([
    ["before", toProcessing],
    ["after", toProcessing.map((entry) => ({ ...entry, at: at(5) }))],
  ]);
  expect(recoveries({ faults: [healedAt(1), healedAt(1, "no such"), healedAt(4)], orders, history })).toEqual([4_000]);
});
