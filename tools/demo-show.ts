import { demoAccounts } from "../contracts/demo.js";
import { toDecimal } from "../contracts/money.js";
import type { TimelineEntry } from "../contracts/order.js";
import { type Facts, moved } from "./demo-check.js";

export function say(sentence: string) {
  console.log(`  ${sentence}`);
}

export function showFacts({ order, statement, stock }: Facts) {
  const money = (minor: number) => toDecimal(minor, order.currency);
  const refund = order.payment.refund;
  table([
    ["order", "status", "payment", "attempt"],
    [order.id, order.status, order.payment.status, String(order.payment.attempt)],
  ]);
  table([
    ["money", "charged", "refunded", "net", order.currency],
    ["the provider", money(moved(statement.charges)), money(moved(statement.refunds)), money(statement.net)],
    ["the order", order.payment.status === "succeeded" ? order.total : "-", refund?.amount ?? "-", ""],
  ]);
  table([
    ["stock", "ordered", "on hand", "held", "reserved"],
    ...stock.map(({ name, quantity, before, after }) => [
      name,
      String(quantity),
      `${before.on_hand} → ${after.on_hand}`,
      `${before.held} → ${after.held}`,
      `${before.reserved} → ${after.reserved}`,
    ]),
  ]);
}

export function showTimeline({ items }: { items: TimelineEntry[] }) {
  table([
    ["timeline", "time", "kind", "what", "status", "by"],
    ...items.map(({ seq, at, kind, name, status, actor }) => [
      String(seq),
      at.slice(11, 23),
      kind,
      name,
      status,
      nameOf(actor),
    ]),
  ]);
}

const nameOf = (actor: string) => demoAccounts.find(({ id }) => id === actor)?.name ?? actor;

function table([head = [], ...rows]: string[][]) {
  const widths = head.map((_, n) => Math.max(...[head, ...rows].map((row) => (row[n] ?? "").length)));
  const line = (row: string[]) => `    ${row.map((cell, n) => cell.padEnd(widths[n]!)).join("  ")}`.trimEnd();
  console.log(`\n${[line(head), ...rows.map(line)].join("\n")}`);
}
