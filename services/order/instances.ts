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
 * Until then a hint begins the saga, rather than tell it. That of an order which is over would have one that has ended begin
 * anew, so it is only told.
 */
export const tellsFrom = (order: Order): string =>
  progress(order).phase === "ended" ? order.created_at : beginsAt(order);

/** The first of what an instance has not read yet; its turn takes it all away. */
const unread = "key LIKE '%||inbox-000000'";
export const unreadIndex = `CREATE INDEX IF NOT EXISTS workflow_unread ON workflow_state (created_at) WHERE ${unread}`;

/**
 * Instances to which something was said a while ago, and no turn has read it: their job is gone. Dapr asks for the job of a
 * new instance before it stores it, so that another sidecar may find nothing to do, and call it done (dapr 1.18.2).
 */
export async function stranded(sql: Sql): Promise<string[]> {
  const rows = await sql.query<[string]>(
    `SELECT split_part(key, '||', 3) FROM workflow_state WHERE ${unread} AND created_at < now() - interval '20 seconds'
     ORDER BY random() LIMIT 20`,
  );
  return rows.map(([id]) => id);
}

/**
 * What the workflow engine has stored of an instance (kit/workflow.ts). Its table lies in the order service's database
 * (components/workflow.yaml); the keys are `<app>||<actor type>||<id>||<part>`.
 */
export function instanceRows(sql: Sql) {
  const ofInstance = "key LIKE 'order||dapr.internal.%.order.workflow||' || $1 || '||%'";
  return {
    /** The event that begins one names its workflow, from its inbox or its history. Without any row nothing is missing. */
    async lackBeginning(id: string): Promise<boolean> {
      const [[lacks]] = (await sql.query<[boolean]>(
        `SELECT coalesce(NOT bool_or(position('order-saga-'::bytea IN value) > 0), false)
         FROM workflow_state WHERE ${ofInstance}`,
        id,
      )) as [[boolean]];
      return lacks;
    },
    erase: (id: string): Promise<void> => sql.exec(`DELETE FROM workflow_state WHERE ${ofInstance}`, id),
  };
}
