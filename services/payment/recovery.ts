import { toDecimal } from "../../contracts/money.js";
import {
  type RecoverAnswer,
  RecoverRequest,
  RefundStrayRequest,
  type StraysAnswer,
  StraysRequest,
} from "../../contracts/payment.js";
import { type App, body } from "../../kit/http.js";
import type { Payments } from "./payments.js";

/** Statements asked of the provider at once: a repair must not stand in the way of charges. */
const atOnce = 10;
/** Whose an account is when its order is unknown. */
const nobody = "00000000-0000-0000-0000-000000000000";

/** For the repair: accounts that are older than the provider's ledger catch up with it. */
export function recoveryRoutes({ router }: App, payments: Payments): void {
  router.post("/rpc/recover", async (ctx) => {
    const { orders } = await body(ctx, RecoverRequest);
    const changed: string[] = [];
    for (let n = 0; n < orders.length; n += atOnce)
      await Promise.all(
        orders.slice(n, n + atOnce).map(async (about) => {
          if (await payments.recover(about)) changed.push(about.order_id);
        }),
      );
    ctx.body = { changed } satisfies typeof RecoverAnswer._output;
  });

  router.post("/rpc/strays", async (ctx) => {
    const { since, from } = await body(ctx, StraysRequest);
    const { charges, next } = await payments.strays(since, from);
    const shown = charges.map(({ reference = "", charge_id, amount, currency, at }) => ({
      ...{ order_id: reference, charge_id, amount: toDecimal(amount, currency), currency, at },
    }));
    ctx.body = { charges: shown, next } satisfies typeof StraysAnswer._output;
  });

  router.post("/rpc/refund-stray", async (ctx) => {
    const { order_id } = await body(ctx, RefundStrayRequest);
    await payments.refundStray({ order_id, user_id: nobody }, `stray:${order_id}`);
    ctx.body = { kind: "accepted" };
  });
}
