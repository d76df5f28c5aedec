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
