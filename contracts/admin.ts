import { z } from "zod";
import { Id, Money, PageQuery, Time } from "./common.js";

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
  reason: z.string(),
  at: Time,
});
export type DeadLetter = z.infer<typeof DeadLetter>;
/** With the message itself: the CloudEvent as JSON text. */
export const DeadLetterInFull = DeadLetter.extend({ body: z.string() });

/** GET /admin/dead-letters, newest first, of all services or of one. */
export const ListDeadLetters = PageQuery.extend({ service: Consumer.optional() });

/** One disagreement. Amounts are decimals of the order's currency, units are pieces. */
export const Finding = z.object({
  kind: z.enum(["payment", "provider", "refund", "stock", "reservation"]),
  /** The order it is about; null when it is about a product. */
  order_id: Id.nullable(),
  product_id: Id.nullable(),
  expected: z.string(),
  found: z.string(),
  detail: z.string(),
});
export type Finding = z.infer<typeof Finding>;

/** GET /admin/reconciliation: the last run. What changed in the minute before it is left to the next one. */
export const Reconciliation = z.object({
  state: z.enum(["never", "running", "done", "failed"]),
  started_at: Time.nullable(),
  finished_at: Time.nullable(),
  /** Every order and product that did not change after this has been compared. */
  as_of: Time.nullable(),
  coverage: z.object({ orders: z.int(), products: z.int(), skipped: z.int() }),
  /** Money that is not where the orders say, by currency; empty when all is right. */
  drift: z.record(z.string(), Money),
  /** Units of stock that are not where the orders and the ledger say. */
  stock_drift: z.int(),
  findings: z.array(Finding),
});
export type Reconciliation = z.infer<typeof Reconciliation>;
