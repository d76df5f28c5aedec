import { traceId } from "../../kit/context.js";
import type { Envelope, Handlers } from "../../kit/events.js";
import { Early, Unavailable, Unhandleable } from "../../kit/problem.js";
import type { At, Command } from "./order.js";
import type { Orders } from "./orders.js";
import { receive, type Terms } from "./place.js";
import type { ServiceClients } from "./service-clients.js";

export type Deps = { orders: Orders; ask: ServiceClients; terms: () => Terms };

/** What payment and inventory answer is put to the order as a command; the answer's id makes a repeat harmless. */
export function handlers({ orders, ask, terms }: Deps): Handlers {
  const at = (event: Envelope): At => ({ now: new Date().toISOString(), actor: event.source, trace_id: traceId() });

  /** An order that is not known yet may become so; one that stays unknown never existed. */
  async function put(orderId: string, command: Command, event: Envelope): Promise<void> {
    const outcome = await orders.apply(orderId, event.id, command, at(event));
    if (outcome.kind === "refused") throw new Unhandleable(`contradicts the order: ${outcome.reason}`);
    if (outcome.kind === "unknown") throw new Early(`there is no order ${orderId}`);
  }

  return {
    /** An upstream checkout's order is taken in; our own comes back here too, and a known one changes nothing. */
    "orders.created": async (data, event) => {
      if (event.source === "order" || (await orders.get(data.order_id))) return;
      const names = await ask.products(data.items.map((item) => item.product_id)).catch(() => undefined);
      if (await orders.add(receive(data, (id) => names?.get(id)?.name, terms(), at(event)))) return;
      if (!(await orders.get(data.order_id))) throw new Unavailable("the state store");
    },
    "payments.succeeded": (data, event) =>
      put(data.order_id, { type: "payment_succeeded", event: data, foreign: event.source !== "payment" }, event),
    "payments.failed": (data, event) => put(data.order_id, { type: "payment_failed", event: data }, event),
    "payments.refunded": (data, event) => put(data.order_id, { type: "refunded", event: data }, event),
    "payments.refund_failed": (data, event) => put(data.order_id, { type: "refund_failed", event: data }, event),
    "inventory.reserved": (data, event) => put(data.order_id, { type: "reserved", event: data }, event),
    "inventory.out_of_stock": (data, event) => put(data.order_id, { type: "out_of_stock", event: data }, event),
    "inventory.released": (data, event) => put(data.order_id, { type: "released", event: data }, event),
  };
}
