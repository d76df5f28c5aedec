import type { Finding } from "../../contracts/admin.js";
import type { GoodsOf, MoneyOf, StockOf } from "../../contracts/audit.js";
import type { StockLine } from "../../contracts/inventory.js";
import { toDecimal, toMinor } from "../../contracts/money.js";
import type { Order } from "./order.js";

// What must be true of money and stock when nothing is on its way. Each rule is compared with what others testify.

export type Compared = {
  findings: Finding[];
  /** Something of it is on its way and was not compared. */
  skipped: boolean;
};

/** An order's money by the account and by the provider, and its goods. `goods` undefined: inventory has none for it. */
export function compareOrder(order: Order, money: MoneyOf, goods: GoodsOf | undefined): Compared {
  const moneyMoves =
    money.open || order.payment.status === "pending" || order.refunds.some(({ status }) => status !== "done");
  const goodsMove = order.status === "paid" || (order.status === "cancelled" && order.released_at === null);
  return {
    findings: [...(moneyMoves ? [] : compareMoney(order, money)), ...(goodsMove ? [] : compareGoods(order, goods))],
    skipped: moneyMoves || goodsMove,
  };
}

const paidFor = ["paid", "processing", "shipped", "delivered"];
const delivers = ["processing", "shipped", "delivered"];

/** Paid for: its total is taken, once. Everything else: nothing is. The provider knows nothing of external money. */
function compareMoney({ id, status, total, currency, payment }: Order, money: MoneyOf): Finding[] {
  const taken = paidFor.includes(status) ? total : 0;
  const from = (kind: "payment" | "provider", net: Record<string, string>, own: number): Finding[] =>
    [...new Set([currency, ...Object.keys(net)])].flatMap((unit) => {
      const expected = toDecimal(unit === currency ? own : 0, unit);
      const found = net[unit] ?? toDecimal(0, unit);
      const detail = `${kind === "payment" ? "the account" : "the provider's ledger"} of an order that is ${status}`;
      return expected === found
        ? []
        : [{ kind, order_id: id, product_id: null, currency: unit, expected, found, detail }];
    });
  return [...from("payment", money.account, taken), ...from("provider", money.provider, payment.external ? 0 : taken)];
}

/** To be delivered: exactly its goods are reserved. Unpaid: at most they are held. Cancelled: neither. */
function compareGoods(order: Order, goods: GoodsOf | undefined): Finding[] {
  const ordered = quantities(order.items);
  const kept = quantities(goods?.items ?? []);
  const delivered = delivers.includes(order.status);
  const mayHold = order.status !== "cancelled" && goods?.status === "held";
  return [...new Set([...ordered.keys(), ...kept.keys()])].flatMap((product_id) => {
    const units = ordered.get(product_id) ?? 0;
    const present = kept.get(product_id) ?? 0;
    const expected = delivered ? units : mayHold ? Math.min(units, present) : 0;
    const found = delivered && goods?.status !== "reserved" ? 0 : present;
    const detail = `${delivered ? "reserved" : goods?.status} for an order that is ${order.status}`;
    return off({ kind: "reservation", order_id: order.id, product_id, detail }, expected, found);
  });
}

/** The books of one product: what is owned comes from the ledger, what is promised and sold from the orders' holds. */
export function compareStock({ product_id, ...stock }: StockOf): Finding[] {
  const about = (detail: string) => ({ kind: "stock", order_id: null, product_id, detail }) as const;
  return [
    ...off(about("on hand and reserved, by the ledger"), stock.ledger, stock.on_hand + stock.reserved),
    ...off(about("held, by the open holds"), stock.holds, stock.held),
    ...off(about("reserved, by the reservations"), stock.reservations, stock.reserved),
  ];
}

type About = Pick<Finding, "kind" | "order_id" | "product_id" | "detail">;
const off = (about: About, expected: number, found: number): Finding[] =>
  expected === found ? [] : [{ ...about, currency: null, expected: String(expected), found: String(found) }];

function quantities(lines: StockLine[]): Map<string, number> {
  const sum = new Map<string, number>();
  for (const { product_id, quantity } of lines) sum.set(product_id, (sum.get(product_id) ?? 0) + quantity);
  return sum;
}

/** The differences of findings: money by currency as decimals, and units. */
export function driftOf(findings: Finding[]): { drift: Record<string, string>; stock_drift: number } {
  const money = new Map<string, number>();
  let stock_drift = 0;
  for (const { currency, expected, found } of findings) {
    if (currency === null) {
      stock_drift += Math.abs(Number(expected) - Number(found));
    } else {
      const off = Math.abs((toMinor(expected, currency) as number) - (toMinor(found, currency) as number));
      money.set(currency, (money.get(currency) ?? 0) + off);
    }
  }
  return { drift: Object.fromEntries([...money].map(([unit, off]) => [unit, toDecimal(off, unit)])), stock_drift };
}
