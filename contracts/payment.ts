import { z } from "zod";
import { Currency, Id, Money, Time } from "./common.js";

/** The simulated provider's methods are named after what they do. */
export const PaymentMethod = z.enum([
  "card_ok",
  "card_declined",
  "card_insufficient_funds",
  "card_timeout_then_ok",
  "card_flaky",
  "card_refund_fails_once",
]);
export type PaymentMethod = z.infer<typeof PaymentMethod>;

/** Money taken or tried, as the API shows it. `attempt` is null for money that was taken outside of the platform. */
export const Payment = z.object({
  payment_id: Id,
  order_id: Id,
  user_id: Id,
  attempt: z.int().nullable(),
  method: z.string(),
  amount: Money,
  currency: Currency,
  status: z.enum(["pending", "succeeded", "failed"]),
  code: z.string().nullable(),
  provider: z.enum(["card", "external"]),
  payment_date: Time.nullable(),
  refund: z
    .object({ refund_id: Id, status: z.enum(["pending", "failed", "done"]), refunded_at: Time.nullable() })
    .nullable(),
});
export type PaymentView = z.infer<typeof Payment>;

/** POST /payments/{id}/refunds: staff has paid an external payment back; the reference says how. */
export const RecordRefund = z.strictObject({ reference: z.string().min(1).max(200) });

/** api-gateway → payment, POST /rpc/payments: the payments of the asked orders, as far as the bearer may see them. */
export const PaymentsRequest = z.object({ order_ids: z.array(Id).min(1).max(100) });
export const PaymentsAnswer = z.object({ payments: z.array(Payment) });

/** order → payment, POST /rpc/refund: give back a success that the order does not count. Repeats are harmless. */
export const RefundRequest = z.object({
  order_id: Id,
  user_id: Id,
  payment_id: Id,
  amount: Money,
  currency: Currency,
  reason: z.string(),
});

/** order → payment, POST /rpc/register: money that was taken outside of the platform, by its reference. */
export const RegisterRequest = RefundRequest.omit({ reason: true }).extend({ reference: z.string() });

/** order → payment, POST /rpc/recover: compare accounts with the provider's ledger, take in what they lack. */
export const RecoverRequest = z.object({
  orders: z
    .array(z.object({ order_id: Id, user_id: Id }))
    .min(1)
    .max(100),
});
/** The orders whose accounts were changed by it. */
export const RecoverAnswer = z.object({ changed: z.array(Id) });

/** POST /rpc/strays: charges since a time whose money is here, of orders that payment has no account of. */
export const StraysRequest = z.object({ since: Time, from: z.int().min(0) });
export const StraysAnswer = z.object({
  charges: z.array(
    z.object({ order_id: z.string(), charge_id: z.string(), amount: Money, currency: Currency, at: Time }),
  ),
  next: z.int().nullable(),
});
export type Stray = z.infer<typeof StraysAnswer>["charges"][number];
/** POST /rpc/refund-stray: give back what was taken for an order that nobody knows. */
export const RefundStrayRequest = z.object({ order_id: Id });
