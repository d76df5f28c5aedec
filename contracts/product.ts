import { z } from "zod";
import { Currency, Id, Money, PageQuery, Time } from "./common.js";

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

/** GET /products. */
export const ListProducts = PageQuery.extend({ q: z.string().max(100).optional() });

/** order → product, POST /rpc/products: those of the asked products that exist. */
export const ProductsRequest = z.object({ product_ids: z.array(Id).min(1).max(100) });
export const ProductsAnswer = z.object({ products: z.array(Product) });
