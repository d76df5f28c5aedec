import { randomUUID } from "node:crypto";
import type { EventOf } from "../contracts/events.js";
import { toDecimal, toMinor } from "../contracts/money.js";
import type { PaymentMethod } from "../contracts/payment.js";
import type { Line } from "./demo-basket.js";
import type { Other } from "./demo-client.js";
import { Refusal } from "./say.js";

type Sale = { userId: string; payWithin?: number; method?: PaymentMethod };

/** An order as another system's checkout tells of it. */
export function saleOf(basket: Line[], { userId, payWithin, method }: Sale, now: number): EventOf<"orders.created"> {
  const currency = basket[0]!.product.currency;
  const total = basket.reduce((sum, line) => sum + line.quantity * (toMinor(line.product.price, currency) ?? 0), 0);
  return {
    order_id: randomUUID(),
    user_id: userId,
    total: toDecimal(total, currency),
    currency,
    items_count: basket.length,
    items: basket.map(({ product: { id, price }, quantity }) => ({ product_id: id, quantity, price })),
    ...(payWithin && { pay_by: new Date(now + payWithin * 1000).toISOString() }),
    ...(method && { payment_method: method }),
  };
}

/** Through a sidecar that may publish the topic; as the CloudEvent's source it names who speaks. */
export async function publishSale(sidecar: Other, sale: EventOf<"orders.created">): Promise<void> {
  const meta = `metadata.cloudevent.source=checkout&metadata.cloudevent.id=orders.created:${sale.order_id}`;
  await sidecar(`/v1.0/publish/pubsub/orders.created?${meta}`, sale).catch((error) => {
    throw new Refusal(`The sidecar that the checkout publishes through (SIDECAR_URL) gave no answer: ${error.message}`);
  });
}
