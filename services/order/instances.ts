import type { Sql } from "../../kit/sql.js";
import type { Order } from "./order.js";
import { type SagaInput, sagaName } from "./saga.js";

/** The order's saga. Repeats and the time to pay are fixed in the order, so it is the same whenever it is made. */
export const instanceOf = ({ id, pay_by, repeat_seconds }: Order) => ({
  workflow: sagaName,
  id,
  input: { order_id: id, pay_by, repeat_seconds } satisfies SagaInput,
});

/**
 * Deletes what the workflow engine has stored of an instance that it cannot read any more (kit/workflow.ts). Its table
 * lies in the order service's database (components/workflow.yaml); the keys are `<app>||<actor type>||<id>||<part>`.
 */
export const eraseInstance = (sql: Sql, id: string): Promise<void> =>
  sql.exec("DELETE FROM workflow_state WHERE key LIKE 'order||dapr.internal.%.order.workflow||' || $1 || '||%'", id);
