import { toDecimal, toMinor } from "../contracts/money.js";
import type { OrderView } from "../contracts/order.js";
import type { End } from "./demo-stories.js";

export type Movement = { amount: number; currency: string; status: string };
export type Statement = { charges: Movement[]; refunds: Movement[]; net: number };
export type Counts = { on_hand: number; held: number; reserved: number };
export type StockChange = { name: string; quantity: number; before: Counts; after: Counts };
export type Facts = { order: OrderView; statement: Statement; stock: StockChange[] };

/** Money in minor units of the order's currency. */
export const moved = (movements: Movement[]) =>
  movements.filter(({ status }) => status === "succeeded").reduce((sum, { amount }) => sum + amount, 0);

/** One sentence for everything that is not as the story must end. */
export function wrongs({ order, statement, stock }: Facts, end: End): string[] {
  const total = toMinor(order.total, order.currency) ?? Number.NaN;
  const money = (minor: number) => `${toDecimal(minor, order.currency)} ${order.currency}`;
  const charged = end.money === "never taken" ? 0 : total;
  const refunded = end.money === "given back" ? total : 0;
  return [
    ...differs("The status of the order", end.status, order.status),
    ...differs("The payment of the order", end.payment, order.payment.status),
    ...differs("What the provider charged", money(charged), money(moved(statement.charges))),
    ...differs("What the provider refunded", money(refunded), money(moved(statement.refunds))),
    ...differs("What the provider kept", money(charged - refunded), money(statement.net)),
    ...stock.flatMap((change) =>
      differs(`The stock of "${change.name}"`, inWords(expectedStock(change, end)), inWords(change.after)),
    ),
  ];
}

function expectedStock({ quantity, before: { on_hand, held, reserved } }: StockChange, end: End): Counts {
  switch (end.stock) {
    case "sold":
      return { on_hand: on_hand - quantity, held, reserved: reserved + quantity };
    case "held":
      return { on_hand, held: held + quantity, reserved };
    case "free":
      return { on_hand, held, reserved };
  }
}

const inWords = ({ on_hand, held, reserved }: Counts) => `${on_hand} on hand, ${held} held, ${reserved} reserved`;

const differs = (what: string, expected: string, found: string) =>
  expected === found ? [] : [`${what} should be ${expected}, but is ${found}.`];
