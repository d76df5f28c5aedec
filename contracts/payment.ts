import { z } from "zod";
import { Currency, Id, Money } from "./common.js";

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
