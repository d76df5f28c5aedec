import { toDecimal } from "../../contracts/money.js";
import type { Product } from "../../contracts/product.js";

/** A product as stored: its price in minor units of its currency. */
export type Item = Omit<Product, "price"> & { price: number };

export const view = (item: Item): Product => ({ ...item, price: toDecimal(item.price, item.currency) });
