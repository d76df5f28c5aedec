import type { Product } from "../contracts/product.js";
import { randomKey } from "./asked.js";
import { kept } from "./store.js";

export type Line = { product: Pick<Product, "id" | "name" | "price" | "currency">; quantity: number };

/** Survives the tab and the session. */
export const basket = kept<Line[]>(localStorage, "basket", []);

/** So many of a product; none takes it out. */
function withQuantity(lines: Line[], product: Line["product"], quantity: number): Line[] {
  const { id, name, price, currency } = product;
  const line = { product: { id, name, price, currency }, quantity };
  if (quantity <= 0) return lines.filter((one) => one.product.id !== id);
  const known = lines.some((one) => one.product.id === id);
  return known ? lines.map((one) => (one.product.id === id ? line : one)) : [...lines, line];
}

export const quantityOf = (lines: Line[], id: string): number =>
  lines.find(({ product }) => product.id === id)?.quantity ?? 0;

export const put = (product: Line["product"], quantity: number) =>
  basket.set(withQuantity(basket.get(), product, quantity));

/** What a checkout asks for. Another basket or method is another checkout. */
export type Checkout = { items: { product_id: string; quantity: number }[]; payment_method: string; notes: string };
type Pending = { key: string; what: string };

/** The key of the checkout that got no answer yet: sent again it gives the same order. */
const pending = kept<Pending | null>(localStorage, "checkout", null);

export function keyFor(checkout: Checkout): string {
  const what = JSON.stringify(checkout);
  const known = pending.get();
  if (known?.what === what) return known.key;
  const key = randomKey();
  pending.set({ key, what });
  return key;
}
export const answered = () => pending.set(null);
