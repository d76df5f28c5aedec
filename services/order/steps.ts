import { traceId } from "../../kit/context.js";
import { tracedAt } from "../../kit/trace.js";
import type { Activity } from "../../kit/workflow.js";
import { type Command, type Progress, progress } from "./order.js";
import type { Orders } from "./orders.js";

/** What the saga does to the world: each step puts a command to the stored order and reports where the order stands. */
export function steps(orders: Orders): Record<string, Activity> {
  /** In the order's trace, not in that of the workflow engine, which Dapr begins anew with every saga. */
  const put = (order_id: string, command: Command): Promise<Progress> =>
    tracedAt(
      async () => (await orders.get(order_id))?.traceparent,
      `step ${command.type}`,
      "INTERNAL",
      () => stepped(order_id, command),
    );

  async function stepped(order_id: string, command: Command): Promise<Progress> {
    const at = { now: new Date().toISOString(), actor: "saga", trace_id: traceId() };
    // A step that runs twice asks twice, which is harmless; so a fresh id will do.
    const outcome = await orders.apply(order_id, crypto.randomUUID(), command, at);
    if (outcome.kind === "unknown") throw new Error(`no order ${order_id}`);
    return progress(outcome.order);
  }
  return {
    askAgain: ({ order_id }: { order_id: string }) => put(order_id, { type: "remind" }),
    expire: ({ order_id }: { order_id: string }) => put(order_id, { type: "expire" }),
  };
}
