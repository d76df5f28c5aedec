import { RefundRequest, RegisterRequest } from "../../contracts/payment.js";
import type { Handlers } from "../../kit/events.js";
import { type App, body } from "../../kit/http.js";
import { type Cashier, minor } from "./cashier.js";

export function routes({ router }: App, cashier: Cashier): void {
  router.post("/rpc/refund", async (ctx) => {
    const { payment_id, amount, currency, ...about } = await body(ctx, RefundRequest);
    await cashier.refund(about, payment_id, minor(amount, currency), currency);
    ctx.body = { kind: "accepted" };
  });

  router.post("/rpc/register", async (ctx) => {
    const { payment_id, reference, amount, currency, ...about } = await body(ctx, RegisterRequest);
    await cashier.register(about, payment_id, reference, minor(amount, currency), currency);
    ctx.body = { kind: "accepted" };
  });
}

export function handlers(cashier: Cashier): Handlers {
  return {
    "orders.created": async ({ order_id, user_id, total, currency, payment_method }, { id }) => {
      if (!payment_method) return;
      await cashier.charge({ order_id, user_id }, id, 1, payment_method, minor(total, currency), currency);
    },
    "payments.requested": ({ order_id, user_id, amount, currency, attempt, payment_method }, { id }) =>
      cashier.charge({ order_id, user_id }, id, attempt, payment_method, minor(amount, currency), currency),
    "orders.cancelled": ({ order_id, user_id }, { id }) => cashier.cancel({ order_id, user_id }, id),
  };
}
