import { z } from "zod";
import { Currency, Id, Money, PageQuery, Time } from "./common.js";
import { isCurrency, toMinor } from "./money.js";

export const Product = z.object({
  id: Id,
  name: z.string(),
  description: z.string(),
  price: Money,
  currency: Currency,
  active: z.boolean(),
  created_at: Time,
  updated_at: Time,
});
export type Product = z.infer<typeof Product>;

/** POST /products, PUT /products/{id}. The price has at most as many decimals as the currency. */
export const PutProduct = z
  .strictObject({
    name: z.string().trim().min(1).max(200),
    description: z.string().max(2000).default(""),
    price: Money,
    currency: Currency,
    active: z.boolean().default(true),
  })
  .refine(({ price, currency }) => !isCurrency(currency) || (toMinor(price, currency) ?? -1) >= 0, {
    path: ["price"],
    message: "no price in this currency: not negative, and no more decimals than it has",
  });
export type PutProduct = z.infer<typeof PutProduct>;

/** GET /products. */
export const ListProducts = PageQuery.extend({ q: z.string().max(100).optional() });

/** order → product, POST /rpc/products: those of the asked products that exist. */
export const ProductsRequest = z.object({ product_ids: z.array(Id).min(1).max(100) });
export const ProductsAnswer = z.object({ products: z.array(Product) });
