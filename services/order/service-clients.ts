import { HoldAnswer } from "../../contracts/inventory.js";
import { type Product, ProductsAnswer } from "../../contracts/product.js";
import type { Dapr } from "../../kit/dapr.js";
import type { Logger } from "../../kit/log.js";
import { Unavailable } from "../../kit/problem.js";
import type { Order } from "./order.js";

const fresh = 5_000;
const provisional = 60_000;
/** The products longest known go first. */
const most = 10_000;

export type ServiceClients = ReturnType<typeof serviceClients>;

/** What the order service asks of product and inventory while a customer waits. */
export function serviceClients(dapr: Dapr, log: Logger) {
  const known = new Map<string, { product: Product; until: number }>();

  return {
    /** Those of the products that exist; prices at most 5 s old, or the last known ones while product is away. */
    async products(ids: string[]): Promise<Map<string, Product>> {
      const now = Date.now();
      const stale = ids.filter((id) => (known.get(id)?.until ?? 0) < now);
      if (stale.length > 0) {
        try {
          const answer = ProductsAnswer.parse(await dapr.ask("product", "/rpc/products", { product_ids: stale }));
          for (const id of stale) known.delete(id);
          for (const product of answer.products) known.set(product.id, { product, until: now + fresh });
        } catch (error) {
          if (!(error instanceof Unavailable) || !stale.every((id) => known.has(id))) throw error;
          log.warn({ err: error }, "product is away, last known prices count");
        }
      }
      const found = new Map(ids.flatMap((id) => (known.has(id) ? [[id, known.get(id)?.product as Product]] : [])));
      for (const id of known.keys())
        if (known.size > most) known.delete(id);
        else break;
      return found;
    },

    /** A hold for a minute, until `orders.created` confirms it; undefined when inventory is away: it will be made then. */
    async hold(order: Order): Promise<HoldAnswer | undefined> {
      const items = order.items.map(({ product_id, quantity }) => ({ product_id, quantity }));
      const until = new Date(Date.parse(order.created_at) + provisional).toISOString();
      try {
        return HoldAnswer.parse(await dapr.ask("inventory", "/rpc/hold", { order_id: order.id, items, until }));
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        log.warn({ err: error }, "inventory is away, the hold is left to the event");
        return undefined;
      }
    },
  };
}
