import type { Sql } from "../../kit/sql.js";
import { type Order, progress } from "./order.js";
import { type SagaInput, sagaName } from "./saga.js";

/** The order's saga, which goes on from where the order stands. */
export const instanceOf = (order: Order) => ({
  workflow: sagaName,
  id: order.id,
  input: {
    order_id: order.id,
    pay_by: order.pay_by,
    repeat_seconds: order.repeat_seconds,
    known: progress(order),
    known_at: order.updated_at,
  } satisfies SagaInput,
});

/**
 * Most orders are paid and reserved within a second, and nobody has to walk them there. So the saga begins when the
 * order first comes to rest, or else at this time, when it would ask again for the first time (decision 18).
 */
export function beginsAt({ created_at, repeat_seconds, pay_by }: Order): string {
  const asksAgain = Date.parse(created_at) + repeat_seconds * 1000;
  return new Date(Math.min(asksAgain, Date.parse(pay_by))).toISOString();
}

/**
 * Deletes what the workflow engine has stored of an instance that it cannot read any more (kit/workflow.ts). Its table
 * lies in the order service's database (components/workflow.yaml); the keys are `<app>||<actor type>||<id>||<part>`.
 */
export const eraseInstance = (sql: Sql, id: string): Promise<void> =>
  sql.exec("DELETE FROM workflow_state WHERE key LIKE 'order||dapr.internal.%.order.workflow||' || $1 || '||%'", id);
