import { toDecimal } from "../../contracts/money.js";
import { type Message, publish } from "../../kit/outbox.js";
import { instanceOf, tellsFrom } from "./instances.js";
import { type Effect, type Order, progress } from "./order.js";

/** What an effect says, built from the stored order alone: the same fact has the same id and words on every repeat. */
export function message(order: Order, effect: Effect): Message {
  if ("saga" in effect) {
    const instance = instanceOf(order);
    return effect.saga === "another"
      ? { start: { ...instance, id: `${order.id}_${order.version}` } }
      : { tell: { ...instance, from: tellsFrom(order), event: "changed", data: progress(order) } };
  }
  const { user_id, currency, payment } = order;
  const about = { order_id: order.id, user_id };
  const money = (minor: number) => toDecimal(minor, currency);
  if ("refund" in effect) {
    const { amount, ...refund } = effect.refund;
    const body = { ...about, ...refund, amount: toDecimal(amount, refund.currency) };
    return { ask: { app: "payment", path: "/rpc/refund", body } };
  }
  if ("register" in effect) {
    const body = { ...about, ...effect.register, amount: money(order.total), currency };
    return { ask: { app: "payment", path: "/rpc/register", body } };
  }
  const items = order.items.map(({ product_id, quantity, price }) => ({ product_id, quantity, price: money(price) }));
  const id = `${effect.publish}:${order.id}`;
  switch (effect.publish) {
    case "orders.created":
      return publish("orders.created", id, {
        ...about,
        total: money(order.total),
        currency,
        items_count: items.length,
        items,
        pay_by: order.pay_by,
        ...(payment.attempt === 1 && payment.method && { payment_method: payment.method }),
      });
    case "payments.requested":
      return publish("payments.requested", `${id}:${payment.attempt}`, {
        ...about,
        amount: money(order.total),
        currency,
        attempt: payment.attempt,
        payment_method: payment.method as string,
      });
    case "orders.paid":
      return publish("orders.paid", id, {
        ...about,
        amount: money(payment.amount as number),
        currency,
        payment_id: payment.payment_id as string,
        payment_date: payment.payment_date as string,
        items,
      });
    case "orders.payment_failed":
      return publish("orders.payment_failed", `${id}:${payment.attempt}`, {
        ...about,
        reason: payment.reason as string,
        code: payment.code as string,
      });
    case "orders.processing":
      return publish("orders.processing", id, {
        ...about,
        reservation_id: (order.reservation as { reservation_id: string }).reservation_id,
      });
    case "orders.shipped": {
      const { shipped_at, tracking_number, carrier } = order.shipment as Record<string, string | null>;
      return publish("orders.shipped", id, {
        ...about,
        shipped_at: shipped_at as string,
        tracking_number: tracking_number as string,
        carrier: carrier as string,
      });
    }
    case "orders.delivered":
      return publish("orders.delivered", id, { ...about, delivered_at: order.shipment?.delivered_at as string });
    case "orders.cancelled":
      return publish("orders.cancelled", id, {
        ...about,
        ...(order.cancel_reason && { reason: order.cancel_reason }),
        cancelled_at: order.cancelled_at as string,
      });
    default:
      return effect satisfies never;
  }
}
