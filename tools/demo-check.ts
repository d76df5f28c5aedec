import { toDecimal, toMinor } from "../contracts/money.js";
import type { OrderView, TimelineEntry } from "../contracts/order.js";
import type { End } from "./demo-story.js";

export type Movement = { amount: number; currency: string; status: string };
export type Statement = { charges: Movement[]; refunds: Movement[]; net: number };
export type Counts = { on_hand: number; held: number; reserved: number };
export type StockChange = { name: string; quantity: number; before: Counts; after: Counts };
export type Facts = { order: OrderView; statement: Statement; stock: StockChange[]; timeline: TimelineEntry[] };

/** Money in minor units of the order's currency. */
export const moved = (movements: Movement[]) =>
  movements.filter(({ status }) => status === "succeeded").reduce((sum, { amount }) => sum + amount, 0);

/** One sentence for everything that is not as the story must end. */
export function wrongs({ order, statement, stock, timeline }: Facts, end: End): string[] {
  const total = toMinor(order.total, order.currency) ?? Number.NaN;
  const money = (minor: number) => `${toDecimal(minor, order.currency)} ${order.currency}`;
  const charged = end.money === "never taken" ? 0 : total;
  const refunded = end.money === "given back" ? total : 0;
  const refund = end.money === "given back" ? "done" : "none";
  return [
    ...differs("The status of the order", end.status, order.status),
    ...differs("The reason of its cancel", end.reason ?? "none", order.cancel_reason ?? "none"),
    ...differs("The payment of the order", end.payment, order.payment.status),
    ...differs("The attempt that counts", String(end.attempt), String(order.payment.attempt)),
    ...differs("The refund of the order", refund, order.payment.refund?.status ?? "none"),
    ...differs("What came of the provider's charges", listed(end.charges), listed(statement.charges.map(statusOf))),
    ...differs("What the provider charged", money(charged), money(moved(statement.charges))),
    ...differs("What the provider refunded", money(refunded), money(moved(statement.refunds))),
    ...differs("What the provider kept", money(charged - refunded), money(statement.net)),
    ...stock.flatMap((change) =>
      differs(`The stock of "${change.name}"`, inWords(expectedStock(change, end)), inWords(change.after)),
    ),
    ...end.timeline
      .filter((wanted) => !timeline.some(({ name }) => name === wanted))
      .map((wanted) => `The timeline should tell of "${wanted}", but does not.`),
  ];
}

function expectedStock({ quantity, before: { on_hand, held, reserved } }: StockChange, end: End): Counts {
  switch (end.stock) {
    case "sold":
      return { on_hand: on_hand - quantity, held, reserved: reserved + quantity };
    case "untouched":
      return { on_hand, held, reserved };
  }
}

const statusOf = ({ status }: Movement) => status;
const listed = (words: string[]) => words.join(", ") || "none";

const inWords = ({ on_hand, held, reserved }: Counts) => `${on_hand} on hand, ${held} held, ${reserved} reserved`;

const differs = (what: string, expected: string, found: string) =>
  expected === found ? [] : [`${what} should be ${expected}, but is ${found}.`];
