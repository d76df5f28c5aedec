import { z } from "zod";
import { Currency, Id, Money, PageQuery, Time } from "./common.js";

// What operators look at: messages that could not be handled, and whether money and stock agree with the orders.

/** Services that hear events, and so may have dead letters. */
export const Consumer = z.enum(["order", "payment", "inventory", "notification"]);
export type Consumer = z.infer<typeof Consumer>;

/** A message that a consumer could not handle, kept as it came until it is re-driven or discarded. */
export const DeadLetter = z.object({
  id: z.string(),
  service: Consumer,
  /** The topic it was published to; `dead-letter.<service>` when it never reached a handler and does not say. */
  topic: z.string(),
  /** Why it could not be handled, the last time that was tried. */
  reason: z.string(),
  /** Re-drives that did not help. */
  tries: z.int(),
  at: Time,
});
export type DeadLetter = z.infer<typeof DeadLetter>;
/** With the message itself: the CloudEvent as JSON text, or whatever came instead of one. */
export const DeadLetterInFull = DeadLetter.extend({ body: z.string() });

/** GET /admin/dead-letters, newest first, of all services or of one. */
export const ListDeadLetters = PageQuery.extend({ service: Consumer.optional() });

/** One disagreement about an order or a product. */
export const Finding = z.object({
  /** Money at the payment service or at its provider, units reserved for an order, or a product's stock as a whole. */
  kind: z.enum(["payment", "provider", "reservation", "stock"]),
  /** The order it is about; null when it is about a product's stock. */
  order_id: Id.nullable(),
  product_id: Id.nullable(),
  /** Amounts are decimals of this currency; null: units. */
  currency: Currency.nullable(),
  expected: z.string(),
  found: z.string(),
  detail: z.string(),
});
export type Finding = z.infer<typeof Finding>;

/** So many findings are kept; where there are more, the next run compares all again. */
export const maxFindings = 500;

/** GET /admin/reconciliation: the last run. */
export const Reconciliation = z.object({
  state: z.enum(["never", "running", "done", "failed"]),
  /** changed: what changed since the last run, what had findings then, and the stock of all products. */
  scope: z.enum(["all", "changed"]),
  started_at: Time.nullable(),
  finished_at: Time.nullable(),
  /** Of the last run that came to its end: orders that changed later are left to the next one. */
  as_of: Time.nullable(),
  /** skipped: orders of which money or goods are on their way, or that changed meanwhile; they are in `orders` too. */
  coverage: z.object({ orders: z.int(), products: z.int(), skipped: z.int() }),
  /** Money that is not where the orders say: the findings' differences, by currency. Empty when all is right. */
  drift: z.record(Currency, Money),
  /** Units that are not where the orders and the stock ledger say: the findings' differences. */
  stock_drift: z.int(),
  findings: z.array(Finding).max(maxFindings),
});
export type Reconciliation = z.infer<typeof Reconciliation>;
