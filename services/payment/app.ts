import type Koa from "koa";
import { Id } from "../../contracts/common.js";
import { PaymentsRequest, RecordRefund, RefundRequest, RegisterRequest } from "../../contracts/payment.js";
import type { Claims } from "../../contracts/user.js";
import { type Authenticate, isStaff, mustBeStaff } from "../../kit/auth.js";
import { about } from "../../kit/context.js";
import type { Handlers } from "../../kit/events.js";
import { type App, body } from "../../kit/http.js";
import { Problem } from "../../kit/problem.js";
import type { Account } from "./payment.js";
import { minor, type Payments, view } from "./payments.js";

type Deps = {
  payments: Payments;
  authenticate: Authenticate;
  /** Whose order it is, by the order service. */
  ownerOf: (orderId: string) => Promise<string | null>;
};

export function routes({ router }: App, { payments, authenticate, ownerOf }: Deps): void {
  router.post("/rpc/refund", async (ctx) => {
    const { payment_id, amount, currency, reason, ...whose } = await body(ctx, RefundRequest);
    about(whose.order_id);
    await payments.refund(whose, payment_id, minor(amount, currency), currency);
    ctx.body = { kind: "accepted" };
  });

  router.post("/rpc/register", async (ctx) => {
    const { payment_id, reference, amount, currency, ...whose } = await body(ctx, RegisterRequest);
    about(whose.order_id);
    await payments.register(whose, payment_id, reference, minor(amount, currency), currency);
    ctx.body = { kind: "accepted" };
  });

  const maySee = (who: Claims, { user_id }: Pick<Account, "user_id">) => user_id === who.sub || isStaff(who);
  /** The account, if the caller may see it; another's is as unknown as none. */
  function visible(who: Claims, account: Account | undefined): Account {
    if (!account || !maySee(who, account)) throw new Problem(404, "there is no such payment");
    about(account.order_id);
    return account;
  }
  const byPayment = async (ctx: Koa.Context & { params: Record<string, string> }, who: Claims) => {
    const id = Id.safeParse(ctx.params.id);
    const account = visible(who, id.success ? await payments.holding(id.data) : undefined);
    return { account, payment_id: id.data as string };
  };
  const show = (ctx: Koa.Context, account: Account, payment_id: string) => {
    const payment = account.payments.find((p) => p.payment_id === payment_id);
    ctx.body = payment && view(account, payment);
  };

  router.post("/rpc/payments", async (ctx) => {
    const who = await authenticate(ctx);
    const { order_ids } = await body(ctx, PaymentsRequest);
    const accounts = (await payments.ofMany(order_ids)).filter((account) => maySee(who, account));
    ctx.body = { payments: accounts.flatMap((account) => account.payments.map((payment) => view(account, payment))) };
  });

  router.get("/orders/:id/payments", async (ctx) => {
    const who = await authenticate(ctx);
    const id = Id.safeParse(ctx.params.id);
    const account = id.success ? await payments.of(id.data) : undefined;
    // The news of an order takes a moment to come here; until then it has no payments, but it is there.
    const user_id = account || !id.success ? account?.user_id : await ownerOf(id.data);
    if (!user_id || !maySee(who, { user_id })) throw new Problem(404, "there is no such order");
    ctx.body = { items: account?.payments.map((payment) => view(account, payment)) ?? [], next_cursor: null };
  });

  router.get("/payments/:id", async (ctx) => {
    const { account, payment_id } = await byPayment(ctx, await authenticate(ctx));
    show(ctx, account, payment_id);
  });

  router.post("/payments/:id/refunds", async (ctx) => {
    const who = await authenticate(ctx);
    mustBeStaff(who);
    const { account, payment_id } = await byPayment(ctx, who);
    const { reference } = await body(ctx, RecordRefund);
    const outcome = await payments.recordRefund(account, crypto.randomUUID(), payment_id, reference);
    if (outcome.refused) throw new Problem(409, outcome.refused);
    show(ctx, outcome.account, payment_id);
  });
}

export function handlers(payments: Payments): Handlers {
  return {
    "orders.created": async ({ order_id, user_id, total, currency, payment_method }, { id }) => {
      const whose = { order_id, user_id };
      if (!payment_method) return payments.open(whose, id);
      await payments.charge(whose, id, 1, payment_method, minor(total, currency), currency);
    },
    "payments.requested": ({ order_id, user_id, amount, currency, attempt, payment_method }, { id }) =>
      payments.charge({ order_id, user_id }, id, attempt, payment_method, minor(amount, currency), currency),
    "orders.cancelled": ({ order_id, user_id }, { id }) => payments.cancel({ order_id, user_id }, id),
  };
}
