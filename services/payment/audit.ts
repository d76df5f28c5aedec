import { AuditRequest, type MoneyOf } from "../../contracts/audit.js";
import { toDecimal } from "../../contracts/money.js";
import { type App, body } from "../../kit/http.js";
import type { Sql } from "../../kit/sql.js";
import type { Account } from "./payment.js";
import type { Movement, Provider } from "./provider.js";

/** Statements asked of the provider at once: an audit must not stand in the way of charges. */
const atOnce = 10;

/** What was taken and not given back, by currency. */
export function netOf(movements: Movement[]): Record<string, string> {
  const net = new Map<string, number>();
  for (const { amount, currency } of movements) net.set(currency, (net.get(currency) ?? 0) + amount);
  const left = [...net].filter(([, amount]) => amount !== 0);
  return Object.fromEntries(left.map(([currency, amount]) => [currency, toDecimal(amount, currency)]));
}

/** An account's money: charges and refunds that are done, and whether any is not. */
export function standing({ payments }: Pick<Account, "payments">): { open: boolean; movements: Movement[] } {
  const taken = payments.filter(({ status }) => status === "succeeded");
  const back = taken.filter(({ refund }) => refund?.status === "done");
  return {
    open: payments.some(({ status, refund }) => status === "pending" || (refund && refund.status !== "done")),
    movements: [...taken, ...back.map(({ amount, currency }) => ({ amount: -amount, currency }))],
  };
}

/** What this service's accounts and the provider's ledger say of some orders' money. */
export function auditRoutes({ router }: App, sql: Sql, provider: Provider): void {
  router.post("/rpc/audit", async (ctx) => {
    const { order_ids } = await body(ctx, AuditRequest);
    const accounts = await sql.values<Account>(order_ids.map((id) => `account:${id}`));
    const audit = async (order_id: string): Promise<MoneyOf> => {
      const account = accounts.find((one) => one.order_id === order_id);
      const { open, movements } = standing(account ?? { payments: [] });
      return { order_id, open, account: netOf(movements), provider: netOf(await provider.statement(order_id)) };
    };
    const orders: MoneyOf[] = [];
    for (let n = 0; n < order_ids.length; n += atOnce)
      orders.push(...(await Promise.all(order_ids.slice(n, n + atOnce).map(audit))));
    ctx.body = { orders };
  });
}
