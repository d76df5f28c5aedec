import type { Client } from "../client/client.js";
import type { StockView } from "../contracts/inventory.js";
import type { Product } from "../contracts/product.js";
import { got } from "./demo-client.js";
import type { Wish } from "./demo-story.js";
import { Refusal } from "./say.js";

export type Shelf = { product: Product; before: StockView };
export type Line = Shelf & { quantity: number };

/** Every product on sale in euros, with its stock as it is now; one whose stock nobody has counted is left out. */
export async function shelves(ada: Client): Promise<Shelf[]> {
  const { items } = await got(ada.products({ query: { limit: 100 } }));
  const found = items.map(async (product) => {
    const stock = await ada.stock({ params: { product_id: product.id } });
    return stock.ok && product.currency === "EUR" ? [{ product, before: stock.body }] : [];
  });
  return (await Promise.all(found)).flat();
}

export const stockOf = (ada: Client, product_id: string): Promise<StockView> =>
  got(ada.stock({ params: { product_id } }));

/**
 * A basket for each wish, no product in two of them: so stories play side by side and each can answer for its stock.
 * The fullest shelves are sold from, the emptiest is sold out.
 */
export function deal(wishes: Wish[], all: Shelf[]): Line[][] {
  const left = [...all].sort((a, b) => b.before.available - a.before.available);
  const scarce = () => {
    const shelf = left.pop();
    return shelf && { ...shelf, quantity: shelf.before.available + 1 };
  };
  const plenty = (quantity: number) => {
    const shelf = left.shift();
    return shelf && shelf.before.available >= quantity ? { ...shelf, quantity } : undefined;
  };
  return wishes.map((wish) => {
    const lines = wish === "one too many" ? [scarce()] : wish.map(plenty);
    if (lines.every((line) => line !== undefined)) return lines;
    throw new Refusal("The shop is sold out: npm run reset, then npm start, fills it again.");
  });
}
