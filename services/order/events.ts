import { traceId } from "../../kit/context.js";
import type { Envelope, Handlers } from "../../kit/events.js";
import { Unavailable, Unhandleable } from "../../kit/problem.js";
import type { Command } from "./order.js";
import type { Orders } from "./orders.js";

/** How long a fact may wait for its order to become known. */
const patience = 60_000;

/** What payment and inventory answer is put to the order as a command; the answer's id makes a repeat harmless. */
export function handlers(orders: Orders): Handlers {
  async function put(orderId: string, command: Command, event: Envelope): Promise<void> {
    const at = { now: new Date().toISOString(), actor: event.source, trace_id: traceId() };
    const outcome = await orders.apply(orderId, event.id, command, at);
    if (outcome.kind === "refused") throw new Unhandleable(`contradicts the order: ${outcome.reason}`);
    if (outcome.kind !== "unknown") return;
    if (Date.now() - Date.parse(event.time) > patience) throw new Unhandleable(`there is no order ${orderId}`);
    throw new Unavailable(`order ${orderId}`);
  }
  return {
    "payments.succeeded": (data, event) => put(data.order_id, { type: "payment_succeeded", event: data }, event),
    "payments.failed": (data, event) => put(data.order_id, { type: "payment_failed", event: data }, event),
    "payments.refunded": (data, event) => put(data.order_id, { type: "refunded", event: data }, event),
    "payments.refund_failed": (data, event) => put(data.order_id, { type: "refund_failed", event: data }, event),
    "inventory.reserved": (data, event) => put(data.order_id, { type: "reserved", event: data }, event),
    "inventory.out_of_stock": (data, event) => put(data.order_id, { type: "out_of_stock", event: data }, event),
    "inventory.released": (data, event) => put(data.order_id, { type: "released", event: data }, event),
  };
}
