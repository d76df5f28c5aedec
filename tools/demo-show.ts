import { demoAccounts } from "../contracts/demo.js";
import { toDecimal } from "../contracts/money.js";
import type { OrderView, TimelineEntry } from "../contracts/order.js";
import { type Facts, type Movement, moved, type StockChange } from "./demo-check.js";
import { paint } from "./demo-voice.js";

/** Order, money, stock and history, a block each. */
export function shown({ order, statement, stock, timeline }: Facts): string[] {
  const { charges, refunds, net } = statement;
  const money = (minor: number) => toDecimal(minor, order.currency);
  const { payment, currency } = order;
  const sums = (movements: Movement[]) => `${money(moved(movements))}${outcomes(movements)}`;
  return [
    ...block("order", [[order.id, order.status + (order.cancel_reason ? ` (${order.cancel_reason})` : "")]]),
    ...block("money", [
      ["provider", `charged ${sums(charges)}, refunded ${sums(refunds)}, kept ${money(net)} ${currency}`],
      ["order", `${paymentInWords(payment)}, ${payment.refund ? `refund ${payment.refund.status}` : "no refund"}`],
    ]),
    ...block("stock", stock.map(stockRow)),
    ...block("timeline", timeline.map(timelineRow)),
  ];
}

const outcomes = (movements: Movement[]) =>
  movements.length === 0 ? "" : ` (${movements.map(({ status }) => status).join(", ")})`;

const paymentInWords = ({ status, attempt, method }: OrderView["payment"]) =>
  status === "none" ? "payment none" : `payment ${status} (${method}, attempt ${attempt})`;

const stockRow = ({ name, quantity, before, after }: StockChange) => [
  `${quantity} × ${name}`,
  `on hand ${change(before.on_hand, after.on_hand)}`,
  `held ${change(before.held, after.held)}`,
  `reserved ${change(before.reserved, after.reserved)}`,
];

const change = (before: number, after: number) => (before === after ? String(after) : `${before} → ${after}`);

const timelineRow = ({ seq, at, name, status, actor }: TimelineEntry) => [
  String(seq).padStart(2),
  at.slice(11, 23),
  name,
  status,
  `by ${demoAccounts.find(({ id }) => id === actor)?.name ?? actor}`,
];

/** Rows in columns, with the block's name in front of the first. */
export function block(name: string, rows: string[][]): string[] {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, n) => Math.max(...rows.map((row) => (row[n] ?? "").length)));
  return rows.map((row, n) => {
    const label = paint("dim", (n === 0 ? name : "").padEnd(10));
    return `   ${label}${row.map((cell, at) => cell.padEnd(widths[at]!)).join("  ")}`.trimEnd();
  });
}
