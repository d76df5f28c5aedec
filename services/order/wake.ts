import type { Outbox } from "../../kit/outbox.js";
import type { Sql } from "../../kit/sql.js";
import type { Workflows } from "../../kit/workflow.js";
import { instanceOf, stranded } from "./instances.js";
import { message } from "./messages.js";
import { type Order, progress } from "./order.js";
import type { Orders } from "./orders.js";

// Dapr may lose a saga, or its timer (kit/workflow.ts). Orders that only their saga brings on are looked at now and then.

/** No saga that lives is silent for so long: it asks again every 5 minutes at least. */
const silence = 10 * 60_000;

/** What an order wants whose saga may have lost its timer. A saga that waits for an answer asks for it by itself. */
export function wants(order: Order, now: number): "hint" | "reminder" | undefined {
  if (!progress(order).waiting) return "hint";
  return now - Date.parse(order.updated_at) > silence ? "reminder" : undefined;
}

export function waker(orders: Orders, sql: Sql, workflows: Workflows, outbox: Outbox) {
  async function hurry(order: Order, now: number): Promise<void> {
    await workflows.replaceDead(instanceOf(order));
    const wanted = wants(order, now);
    if (wanted === "hint") await outbox.say([message(order, { saga: "tell" })]);
    const at = { now: new Date(now).toISOString(), actor: "saga", trace_id: null };
    if (wanted === "reminder") await orders.apply(order.id, crypto.randomUUID(), { type: "remind" }, at);
  }

  /** An order may have had several instances. */
  async function wake(id: string): Promise<void> {
    const order = await orders.get(id.split("_")[0] as string);
    if (order) await workflows.wake({ ...instanceOf(order), id });
  }

  /** Looks at some of those that are overdue, and at some whose saga has lost its job. */
  return async (): Promise<void> => {
    const now = Date.now();
    const [overdue, asleep] = await Promise.all([orders.overdue(now), stranded(sql)]);
    const woken = await Promise.allSettled([...overdue.map((order) => hurry(order, now)), ...asleep.map(wake)]);
    const failed = woken.find((one) => one.status === "rejected");
    if (failed) throw failed.reason;
  };
}
