import { randomUUID } from "node:crypto";
import type { StockView } from "../contracts/inventory.js";
import type { OrderView } from "../contracts/order.js";
import type { Product } from "../contracts/product.js";
import type { Counts } from "./demo-check.js";
import type { Client } from "./demo-client.js";
import { say } from "./demo-show.js";
import type { Scene } from "./demo-stories.js";
import { pause, Refusal } from "./say.js";

export type Basket = { product: Product; quantity: number; before: Counts }[];
export type Cast = { ada: Client; staff: Client; provider: Client };

const waitMs = 30_000;

/** Two of the first product that has two to spare, one of the next. */
export async function fillBasket(ada: Client): Promise<Basket> {
  const { items: products } = await ada.get<{ items: Product[] }>("/products?limit=100");
  say(`Ada looks at ${products.length} products.`);
  const basket: Basket = [];
  for (const product of products.filter(({ active }) => active)) {
    const quantity = basket.length === 0 ? 2 : 1;
    const stock = await ada.get<StockView>(`/inventory/${product.id}`);
    if (stock.available >= quantity) basket.push({ product, quantity, before: stock });
    if (basket.length === 2) return basket;
  }
  throw new Refusal("The shop is sold out: npm run reset, then npm start, fills it again.");
}

export function sceneOf({ ada, staff }: Cast, basket: Basket): { scene: Scene; placed: () => OrderView | undefined } {
  let order: OrderView | undefined;
  const current = () => `/orders/${order!.id}`;
  return {
    placed: () => order,
    scene: {
      async adaOrders(payment_method) {
        const items = basket.map(({ product, quantity }) => ({ product_id: product.id, quantity }));
        order = await ada.post<OrderView>("/orders", { items, payment_method }, { "idempotency-key": randomUUID() });
        const wanted = basket.map(({ product, quantity }) => `${quantity} × ${product.name}`).join(" and ");
        say(`Ada orders ${wanted} for ${order.total} ${order.currency}, paying with ${payment_method}.`);
        return order;
      },
      async until(status) {
        const since = Date.now();
        for (;;) {
          const seen = await ada.get<OrderView>(current());
          if (seen.status === status) {
            say(`The order is ${status} (after ${Date.now() - since} ms).`);
            return seen;
          }
          if (Date.now() - since > waitMs)
            throw new Refusal(`The order should be ${status} within ${waitMs / 1000} s, but is still ${seen.status}.`);
          await pause(50);
        }
      },
      async staffShips(parcel) {
        await staff.put(`${current()}/status`, { status: "shipped", ...parcel });
        say(`Staff ships it with ${parcel.carrier}, tracking number ${parcel.tracking_number}.`);
      },
      async staffDelivers() {
        await staff.put(`${current()}/status`, { status: "delivered" });
        say("It is delivered.");
      },
    },
  };
}
