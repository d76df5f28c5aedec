import { z } from "zod";
import { Currency, Id, Money, Quantity, Time } from "./common.js";
import { toMinor } from "./money.js";

const Line = z.object({ product_id: Id, quantity: Quantity });
const PricedLine = Line.extend({ price: Money });
const about = { order_id: Id, user_id: Id };
const attempt = z.int().min(1);

type Priced = { currency: string; total: string; items: { quantity: number; price: string }[] };
/**
 * What contradicts itself is refused by all who hear it, or one would charge what another cannot take in. Between the
 * lines and the total is the tax.
 */
function addsUp({ currency, total, items }: Priced): boolean {
  const amounts = [total, ...items.map(({ price }) => price)].map((amount) => toMinor(amount, currency) ?? Number.NaN);
  const [whole = Number.NaN, ...prices] = amounts;
  const sum = prices.reduce((so_far, price, n) => so_far + price * (items[n]?.quantity ?? 0), 0);
  return amounts.every((amount) => amount >= 0) && Number.isSafeInteger(sum) && sum <= whole;
}

/** Topic → data. Every fact has one home: who publishes or listens names a topic of this table. */
export const events = {
  "orders.created": z
    .object({
      ...about,
      total: Money,
      currency: Currency,
      items_count: z.int(),
      items: z.array(PricedLine).min(1).max(100),
      pay_by: Time.optional(),
      payment_method: z.string().optional(),
    })
    .refine(addsUp, "the amounts are none of the currency, or the lines cost more than the total"),
  "payments.requested": z.object({ ...about, amount: Money, currency: Currency, attempt, payment_method: z.string() }),
  "payments.succeeded": z.object({
    ...about,
    payment_id: Id,
    amount: Money,
    currency: Currency,
    payment_date: Time,
    payment_method: z.string(),
    provider_id: z.string(),
    attempt: attempt.optional(),
    /** An attempt that was forgotten, by a restore, and found in the provider's ledger: the order may not know it. */
    recovered: z.literal(true).optional(),
  }),
  "payments.failed": z.object({
    ...about,
    payment_id: Id,
    amount: Money,
    currency: Currency,
    reason: z.string(),
    code: z.string(),
    attempt: attempt.optional(),
  }),
  "payments.refunded": z.object({
    ...about,
    payment_id: Id,
    refund_id: Id,
    amount: Money,
    currency: Currency,
    refunded_at: Time,
  }),
  "payments.refund_failed": z.object({
    payment_id: Id,
    refund_id: Id,
    order_id: Id,
    code: z.string(),
    next_try_at: Time,
  }),
  "orders.paid": z.object({
    ...about,
    amount: Money,
    currency: Currency,
    payment_id: Id,
    payment_date: Time,
    items: z.array(PricedLine),
  }),
  "inventory.reserved": z.object({ reservation_id: Id, order_id: Id, items: z.array(Line), reserved_at: Time }),
  "inventory.out_of_stock": z.object({
    order_id: Id,
    product_id: Id,
    requested_qty: z.int(),
    available_qty: z.int(),
    timestamp: Time,
  }),
  "inventory.released": z.object({ order_id: Id, items: z.array(Line), released_at: Time }),
  "orders.payment_failed": z.object({ ...about, reason: z.string(), code: z.string() }),
  "orders.processing": z.object({ ...about, reservation_id: Id }),
  "orders.shipped": z.object({ ...about, shipped_at: Time, tracking_number: z.string(), carrier: z.string() }),
  "orders.delivered": z.object({ ...about, delivered_at: Time }),
  "orders.cancelled": z.object({ ...about, reason: z.string().optional(), cancelled_at: Time }),
} satisfies Record<string, z.ZodObject>;

const synonyms: Record<string, string> = { customer_id: "user_id", total_amount: "total" };
/** An event's data as the older systems name its fields, with our names. */
export function canonical(data: unknown): unknown {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return data;
  const entries = Object.entries(data).map(([name, value]): [string, unknown] => [synonyms[name] ?? name, value]);
  return Object.fromEntries(entries);
}

export type Topic = keyof typeof events;
export type EventOf<T extends Topic> = z.infer<(typeof events)[T]>;

type Hearer = "order" | "payment" | "inventory" | "notification";
type Said = {
  /** The one service that publishes it. */
  from: Exclude<Hearer, "notification">;
  to: Hearer[];
  says: string;
  /** Who else may publish it, in exactly the same words. */
  also?: string;
};

/** Topic → who says it to whom. The documents, the README's table and the test of the wiring are made from it. */
export const topics: Record<Topic, Said> = {
  "orders.created": {
    from: "order",
    to: ["order", "inventory", "payment", "notification"],
    says: "An order is stored and waits for money; with `payment_method` it is charged at once.",
    also: "an upstream checkout",
  },
  "payments.requested": { from: "order", to: ["payment"], says: "A further attempt, or the first that came later." },
  "payments.succeeded": {
    from: "payment",
    to: ["order"],
    says: "The money of an attempt is taken.",
    also: "a payment system outside of the platform",
  },
  "payments.failed": { from: "payment", to: ["order"], says: "An attempt was refused; nothing was taken." },
  "payments.refunded": { from: "payment", to: ["order", "notification"], says: "Money was given back." },
  "payments.refund_failed": {
    from: "payment",
    to: ["order"],
    says: "A refund did not work; it is tried again at `next_try_at`, without end.",
  },
  "orders.paid": { from: "order", to: ["inventory", "notification"], says: "The order is paid: reserve its goods." },
  "inventory.reserved": { from: "inventory", to: ["order"], says: "The goods of a paid order are reserved." },
  "inventory.out_of_stock": {
    from: "inventory",
    to: ["order"],
    says: "There is not enough of a product; the order will be cancelled.",
  },
  "inventory.released": {
    from: "inventory",
    to: ["order"],
    says: "What was held or reserved for a cancelled order is free again.",
  },
  "orders.payment_failed": {
    from: "order",
    to: ["notification"],
    says: "The current attempt was refused; the customer may pay again.",
  },
  "orders.processing": { from: "order", to: ["notification"], says: "The order is paid and its goods are reserved." },
  "orders.shipped": { from: "order", to: ["notification"], says: "The goods are on their way." },
  "orders.delivered": { from: "order", to: ["notification"], says: "The goods have arrived." },
  "orders.cancelled": {
    from: "order",
    to: ["inventory", "payment", "notification"],
    says: "The order has ended: give back what was taken and free what was held.",
  },
};
