import { describe, expect, test } from "vitest";
import type { GoodsOf, MoneyOf } from "../../contracts/audit.js";
import type { Status } from "../../contracts/order.js";
import { noPayment, type Order, type Refund } from "./order.js";
import { compareOrder, compareStock, driftOf } from "./reconcile.js";

const [id, cup, pot] = ["order", "cup", "pot"];
const items = [
  { product_id: cup, name: "cup", quantity: 2, price: 500 },
  { product_id: pot, name: "pot", quantity: 1, price: 1000 },
];
const succeeded = { ...noPayment, status: "succeeded" as const, payment_id: "p", amount: 2000 };
const order = (status: Status, over: Partial<Order> = {}) =>
  ({
    id,
    status,
    items,
    total: 2000,
    currency: "EUR",
    payment: succeeded,
    refunds: [],
    released_at: null,
    ...over,
  }) as unknown as Order;
const refund = (status: Refund["status"]): Refund => ({
  ...{ payment_id: "p", amount: 2000, currency: "EUR", refund_id: null },
  status,
});
const money = (account: Record<string, string>, provider = account, open = false): MoneyOf => ({
  ...{ order_id: id, open, account, provider },
});
const lines = [
  { product_id: cup, quantity: 2 },
  { product_id: pot, quantity: 1 },
];
const goods = (status: GoodsOf["status"], kept = lines): GoodsOf => ({ order_id: id, status, items: kept });

const taken = money({ EUR: "20.00" });
const nothing = money({});
const back = { released_at: "2026-01-01T00:00:00.000Z", refunds: [refund("done")] };

describe("right, and all of it compared", () => {
  test.each<[string, Order, MoneyOf, GoodsOf | undefined]>([
    ["unpaid without a hold", order("payment_required", { payment: noPayment }), nothing, undefined],
    ["unpaid and held", order("payment_failed", { payment: noPayment }), nothing, goods("held")],
    ["processing", order("processing"), taken, goods("reserved")],
    ["shipped", order("shipped"), taken, goods("reserved")],
    [
      "delivered, its lines merged",
      order("delivered", { items: [...items, ...items] }),
      taken,
      goods("reserved", [...lines, ...lines]),
    ],
    [
      "paid outside",
      order("processing", { payment: { ...succeeded, external: true } }),
      money({ EUR: "20.00" }, {}),
      goods("reserved"),
    ],
    ["cancelled and all back", order("cancelled", back), nothing, undefined],
  ])("%s", (_, of, audit, kept) => {
    expect(compareOrder(of, audit, kept)).toEqual({ findings: [], skipped: false });
  });
});

describe("on its way: not compared, and counted as skipped", () => {
  test.each<[string, Order, MoneyOf, GoodsOf | undefined]>([
    ["an attempt", order("payment_required", { payment: { ...noPayment, status: "pending" } }), taken, goods("held")],
    ["a refund by the order", order("cancelled", { ...back, refunds: [refund("failed")] }), taken, undefined],
    ["a charge or refund by the account", order("processing"), money({ EUR: "40.00" }, {}, true), goods("reserved")],
    ["goods to be reserved", order("paid"), taken, undefined],
    ["goods to be released", order("cancelled", { ...back, released_at: null }), nothing, goods("reserved")],
  ])("%s", (_, of, audit, kept) => {
    expect(compareOrder(of, audit, kept)).toEqual({ findings: [], skipped: true });
  });
});

describe("wrong", () => {
  const about = (kind: string, expected: string, found: string, unit: object) =>
    expect.objectContaining({ kind, order_id: id, expected, found, ...unit });
  const eur = { currency: "EUR", product_id: null };
  test.each<[string, Order, MoneyOf, GoodsOf | undefined, unknown[]]>([
    [
      "taken for an unpaid order",
      order("payment_failed", { payment: noPayment }),
      taken,
      undefined,
      [about("payment", "0.00", "20.00", eur), about("provider", "0.00", "20.00", eur)],
    ],
    [
      "taken twice at the provider",
      order("processing"),
      money({ EUR: "20.00" }, { EUR: "40.00" }),
      goods("reserved"),
      [about("provider", "20.00", "40.00", eur)],
    ],
    [
      "not taken, though paid",
      order("paid"),
      money({}, { EUR: "20.00" }),
      undefined,
      [about("payment", "20.00", "0.00", eur)],
    ],
    [
      "not back",
      order("cancelled", back),
      money({}, { EUR: "20.00" }),
      undefined,
      [about("provider", "0.00", "20.00", eur)],
    ],
    [
      "back twice",
      order("cancelled", back),
      money({ EUR: "-20.00" }, {}),
      undefined,
      [about("payment", "0.00", "-20.00", eur)],
    ],
    [
      "in another currency",
      order("shipped"),
      money({ EUR: "20.00", JPY: "7" }, { EUR: "20.00" }),
      goods("reserved"),
      [about("payment", "0", "7", { currency: "JPY" })],
    ],
    [
      "by card, though paid outside",
      order("shipped", { payment: { ...succeeded, external: true } }),
      taken,
      goods("reserved"),
      [about("provider", "0.00", "20.00", eur)],
    ],
    [
      "only held",
      order("processing"),
      taken,
      goods("held"),
      [about("reservation", "2", "0", { product_id: cup }), about("reservation", "1", "0", { product_id: pot })],
    ],
    [
      "another quantity reserved",
      order("shipped"),
      taken,
      goods("reserved", [{ product_id: cup, quantity: 3 }]),
      [about("reservation", "2", "3", { product_id: cup }), about("reservation", "1", "0", { product_id: pot })],
    ],
    [
      "more held than ordered",
      order("payment_required", { payment: noPayment }),
      nothing,
      goods("held", [{ product_id: cup, quantity: 3 }]),
      [about("reservation", "2", "3", { product_id: cup })],
    ],
    [
      "reserved before the money",
      order("payment_required", { payment: noPayment }),
      nothing,
      goods("reserved", [{ product_id: cup, quantity: 2 }]),
      [about("reservation", "0", "2", { product_id: cup })],
    ],
    [
      "still held after a cancel",
      order("cancelled", back),
      nothing,
      goods("held", [{ product_id: cup, quantity: 2 }]),
      [about("reservation", "0", "2", { product_id: cup })],
    ],
  ])("%s", (_, of, audit, kept, expected) => {
    expect(compareOrder(of, audit, kept).findings).toEqual(expected);
  });

  test("goods are compared while money is on its way, and the other way round", () => {
    expect(compareOrder(order("processing"), money({}, {}, true), undefined).findings).toHaveLength(2);
    expect(compareOrder(order("paid"), nothing, undefined).findings).toHaveLength(2);
  });
});

test("a product's books: what is owned, held and reserved", () => {
  const right = { product_id: cup, on_hand: 5, held: 2, reserved: 3, holds: 2, reservations: 3, ledger: 8 };
  expect(compareStock(right)).toEqual([]);
  for (const off of [{ ledger: 9 }, { holds: 1 }, { reservations: 4 }])
    expect(compareStock({ ...right, ...off })).toMatchObject([{ kind: "stock", product_id: cup, order_id: null }]);
});

test("drift adds up differences without regard to their signs, money by currency, units apart", () => {
  const { findings: one } = compareOrder(
    order("processing"),
    money({ EUR: "5.00", JPY: "7" }, { EUR: "21.50" }),
    undefined,
  );
  expect(driftOf(one)).toEqual({ drift: { EUR: "16.50", JPY: "7" }, stock_drift: 3 });
  expect(driftOf([])).toEqual({ drift: {}, stock_drift: 0 });
});
