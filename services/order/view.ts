import { toDecimal } from "../../contracts/money.js";
import type { OrderView } from "../../contracts/order.js";
import type { Order } from "./order.js";

/** The order as the API shows it: decimal strings, no internals. */
export function view(order: Order): OrderView {
  const money = (minor: number) => toDecimal(minor, order.currency);
  const { payment } = order;
  const refund = order.refunds.find((r) => r.payment_id === payment.payment_id) ?? order.refunds.at(-1);
  return {
    id: order.id,
    user_id: order.user_id,
    status: order.status,
    items: order.items.map((line) => ({ ...line, price: money(line.price) })),
    subtotal: money(order.subtotal),
    tax: money(order.tax),
    total: money(order.total),
    currency: order.currency,
    customer_notes: order.customer_notes,
    metadata: order.metadata,
    pay_by: order.pay_by,
    payment: {
      status: payment.status,
      attempt: payment.attempt,
      method: payment.method,
      payment_id: payment.payment_id,
      amount: payment.amount === null ? null : money(payment.amount),
      code: payment.code,
      refund: refund
        ? { status: refund.status, refund_id: refund.refund_id, amount: toDecimal(refund.amount, refund.currency) }
        : null,
    },
    reservation: order.reservation,
    shipment: order.shipment,
    cancel_reason: order.cancel_reason,
    created_at: order.created_at,
    updated_at: order.updated_at,
    version: order.version,
  };
}
