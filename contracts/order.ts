import { z } from "zod";
import { Currency, Id, Money, PageQuery, Quantity, Time, whole } from "./common.js";
import { PaymentMethod } from "./payment.js";

export const Status = z.enum([
  "payment_required",
  "payment_failed",
  "paid",
  "processing",
  "shipped",
  "delivered",
  "cancelled",
]);
export type Status = z.infer<typeof Status>;

const synonyms = {
  pending: "payment_required",
  confirmed: "paid",
  in_progress: "processing",
  "in-progress": "processing",
  completed: "delivered",
} as const;
type Synonym = keyof typeof synonyms;
/** A status as requests may spell it: the older systems' words are understood, answers use ours alone. */
const StatusInRequest = z
  .enum([...Status.options, ...(Object.keys(synonyms) as Synonym[])])
  .transform((word): Status => synonyms[word as Synonym] ?? word);

const Notes = z.string().max(2000);
export const maxMetadata = 50;
const Metadata = z
  .record(z.string().max(64), z.string().max(500))
  .refine((record) => Object.keys(record).length <= maxMetadata, `at most ${maxMetadata} entries`)
  .meta({ maxProperties: maxMetadata });

/** POST /orders. */
export const PlaceOrder = z.strictObject({
  items: z
    .array(z.strictObject({ product_id: Id, quantity: Quantity }))
    .min(1)
    .max(100),
  currency: Currency.optional(),
  payment_method: PaymentMethod.optional(),
  customer_notes: Notes.optional(),
  metadata: Metadata.optional(),
});
export type PlaceOrder = z.infer<typeof PlaceOrder>;

/** PUT /orders/{id}/status. */
export const ChangeStatus = z.strictObject({
  status: StatusInRequest,
  reason: z.string().max(500).optional(),
  tracking_number: z.string().trim().min(1).max(100).optional(),
  carrier: z.string().trim().min(1).max(100).optional(),
  payment_reference: z.string().trim().min(1).max(200).optional(),
});

/** POST /orders/{id}/cancel. */
export const CancelOrder = z.strictObject({ reason: z.string().max(500).optional() });

/** POST /orders/{id}/payments. */
export const PayOrder = z.strictObject({ payment_method: PaymentMethod });

/** PATCH /orders/{id}: null empties the notes; metadata is merged key by key, null removes a key. */
export const PatchOrder = z.strictObject({
  customer_notes: Notes.nullable().optional(),
  metadata: z.record(z.string().max(64), z.string().max(500).nullable()).optional(),
});
export type PatchOrder = z.infer<typeof PatchOrder>;

/** GET /orders. `offset` is staff's: oldest first, and no cursor. */
export const ListOrders = PageQuery.extend({
  status: StatusInRequest.optional(),
  offset: whole(0, 100_000).optional(),
});

export const Refund = z.object({
  status: z.enum(["pending", "failed", "done"]),
  refund_id: Id.nullable(),
  amount: Money,
});

/** An order as the API shows it. */
export const Order = z.object({
  id: Id,
  user_id: Id,
  status: Status,
  items: z.array(z.object({ product_id: Id, name: z.string(), quantity: Quantity, price: Money })),
  subtotal: Money,
  tax: Money,
  total: Money,
  currency: Currency,
  customer_notes: z.string().nullable(),
  metadata: z.record(z.string(), z.string()),
  pay_by: Time,
  payment: z.object({
    status: z.enum(["none", "pending", "succeeded", "failed"]),
    attempt: z.int(),
    method: z.string().nullable(),
    payment_id: Id.nullable(),
    amount: Money.nullable(),
    code: z.string().nullable(),
    refund: Refund.nullable(),
  }),
  reservation: z.object({ reservation_id: Id, reserved_at: Time }).nullable(),
  shipment: z
    .object({
      tracking_number: z.string().nullable(),
      carrier: z.string().nullable(),
      shipped_at: Time.nullable(),
      delivered_at: Time.nullable(),
    })
    .nullable(),
  cancel_reason: z.string().nullable(),
  created_at: Time,
  updated_at: Time,
  version: z.int(),
});
export type OrderView = z.infer<typeof Order>;

/** One line of an order's story. `seq` grows by one within an order. */
export const TimelineEntry = z.object({
  seq: z.int(),
  at: Time,
  kind: z.enum(["status", "event", "saga"]),
  name: z.string(),
  status: Status,
  actor: z.string(),
  trace_id: z.string().nullable(),
  detail: z.record(z.string(), z.unknown()).optional(),
});
export type TimelineEntry = z.infer<typeof TimelineEntry>;

/** payment → order, POST /rpc/owner: whose order it is; null when there is none. */
export const OwnerRequest = z.object({ order_id: Id });
export const OwnerAnswer = z.object({ user_id: Id.nullable() });

/**
 * api-gateway → order, POST /rpc/orders: what several clients ask for at the same time, each with its own bearer. Answered
 * as GET /orders/{id} answers it, in the order they were asked; null where that is a refusal.
 */
export const OrdersRequest = z.object({
  asked: z.array(z.object({ id: Id, authorization: z.string() })).max(100),
});
export const OrdersAnswer = z.object({
  orders: z.array(z.object({ etag: z.string(), text: z.string() }).nullable()),
});

/** api-gateway → order, POST /rpc/timelines: what each of these histories has after a sequence number. */
export const TimelinesRequest = z.object({
  after: z.array(z.object({ order_id: Id, seq: z.int().min(0) })).max(500),
});
export const TimelinesAnswer = z.object({
  timelines: z.array(z.object({ order_id: Id, entries: z.array(TimelineEntry) })),
});
