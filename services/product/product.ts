import { toDecimal, toMinor } from "../../contracts/money.js";
import type { Product, PutProduct } from "../../contracts/product.js";

/** A product as stored: its price in minor units of its currency. */
export type Item = Omit<Product, "price"> & {
  price: number;
  /** Fingerprint of the request that added it: the same key with another body is refused. */
  request_hash?: string;
  /** Taken out of the catalogue: for everyone else it does not exist, orders keep what they have of it. */
  deleted_at?: string;
};

const inMinor = (request: PutProduct) => ({ ...request, price: toMinor(request.price, request.currency) as number });

export const added = (request: PutProduct, id: string, request_hash: string, now: string): Item => ({
  ...inMinor(request),
  id,
  request_hash,
  created_at: now,
  updated_at: now,
});

export const replaced = (item: Item, request: PutProduct, now: string): Item => ({
  ...item,
  ...inMinor(request),
  updated_at: now,
});

export const removed = (item: Item, now: string): Item => ({ ...item, deleted_at: now, updated_at: now });

export const exists = (item: Item | undefined): item is Item => item !== undefined && item.deleted_at === undefined;

export const view = ({ request_hash, deleted_at, ...item }: Item): Product => ({
  ...item,
  price: toDecimal(item.price, item.currency),
});
