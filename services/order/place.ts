import { maxQuantity } from "../../contracts/common.js";
import type { EventOf } from "../../contracts/events.js";
import { toDecimal, toMinor } from "../../contracts/money.js";
import type { Product } from "../../contracts/product.js";
import type { Settings } from "../../contracts/settings.js";
import { type At, change, type Decision, type Line, noPayment, type Order } from "./order.js";
import { taxOf } from "./tax.js";

// How an order begins: by a customer's request, or as an upstream checkout's event.

type Request = {
  id: string;
  user_id: string;
  request_hash: string;
  items: { product_id: string; quantity: number }[];
  currency: string | undefined;
  payment_method: string | undefined;
  customer_notes: string | undefined;
  metadata: Record<string, string> | undefined;
};
export const terms = ["payment_window_seconds", "repeat_interval_seconds", "currencies", "tax_rates"] as const;
/** What an operator decides about new orders; an order keeps what counted when it was made. */
export type Terms = Pick<Settings, (typeof terms)[number]>;
export type Placed = { kind: "placed"; decision: Decision & { kind: "changed" } } | { kind: "refused"; reason: string };

/** A request with the catalogue's products becomes an order that waits for money, or a refusal (422). */
export function place(
  request: Request,
  products: Map<string, Product>,
  country: string | null,
  terms: Terms,
  at: At,
): Placed {
  const quantities = new Map<string, number>();
  for (const { product_id, quantity } of request.items)
    quantities.set(product_id, (quantities.get(product_id) ?? 0) + quantity);
  const items: Line[] = [];
  let { currency } = request;
  for (const [product_id, quantity] of quantities) {
    if (quantity > maxQuantity) return { kind: "refused", reason: `more than ${maxQuantity} of product ${product_id}` };
    const product = products.get(product_id);
    if (!product?.active) return { kind: "refused", reason: `there is no product ${product_id}` };
    currency ??= product.currency;
    const price = toMinor(product.price, product.currency);
    if (product.currency !== currency || price === undefined)
      return { kind: "refused", reason: `product ${product_id} is not sold in ${currency}` };
    items.push({ product_id, name: product.name, quantity, price });
  }
  if (!currency || !terms.currencies.includes(currency))
    return { kind: "refused", reason: `nothing is sold in ${currency}` };
  const subtotal = sumOf(items);
  const tax = taxOf(subtotal, currency, country, terms.tax_rates);
  const total = subtotal + tax;
  if (toMinor(toDecimal(total, currency), currency) !== total)
    return { kind: "refused", reason: "the total is too large" };
  const order: Order = {
    ...blank(terms, at),
    id: request.id,
    user_id: request.user_id,
    items,
    subtotal,
    tax,
    total,
    currency,
    customer_notes: request.customer_notes ?? null,
    metadata: request.metadata ?? {},
    payment: firstPayment(request.payment_method),
    request_hash: request.request_hash,
  };
  const decision = change(order, at, "status", "place", {}, [{ publish: "orders.created" }]);
  return { kind: "placed", decision };
}

/**
 * An upstream checkout's order: `total` is charged as it says, tax is what its lines leave of it; that its amounts are
 * right its schema has seen to. Inventory, payment and notification have heard the same event, so it is not said again.
 */
export function receive(
  event: EventOf<"orders.created">,
  names: (productId: string) => string | undefined,
  terms: Terms,
  at: At,
): Decision & { kind: "changed" } {
  const { order_id, user_id, currency, payment_method, pay_by } = event;
  const minor = (amount: string) => toMinor(amount, currency) as number;
  const items: Line[] = event.items.map(({ product_id, quantity, price }) => ({
    product_id,
    name: names(product_id) ?? product_id,
    quantity,
    price: minor(price),
  }));
  const subtotal = sumOf(items);
  const total = minor(event.total);
  const order: Order = {
    ...blank(terms, at),
    id: order_id,
    user_id,
    items,
    subtotal,
    tax: total - subtotal,
    total,
    currency,
    payment: firstPayment(payment_method),
    ...(pay_by && { pay_by }),
  };
  return change(order, at, "status", "place upstream", {}, []);
}

const sumOf = (items: Line[]): number => items.reduce((sum, { quantity, price }) => sum + quantity * price, 0);

const firstPayment = (method: string | undefined): Order["payment"] =>
  method ? { ...noPayment, status: "pending", attempt: 1, method } : noPayment;

/** What every order starts with. */
const blank = (terms: Terms, at: At) => ({
  status: "payment_required" as const,
  customer_notes: null,
  metadata: {},
  pay_by: new Date(Date.parse(at.now) + terms.payment_window_seconds * 1000).toISOString(),
  refunds: [],
  reservation: null,
  shipment: null,
  released_at: null,
  cancel_reason: null,
  cancelled_at: null,
  created_at: at.now,
  updated_at: at.now,
  version: 0,
  repeat_seconds: terms.repeat_interval_seconds,
  seq: 0,
  request_hash: "",
  applied: [],
});
