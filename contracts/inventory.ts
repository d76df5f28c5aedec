import { z } from "zod";
import { Id, Quantity, Time } from "./common.js";

/** on_hand: owned and not reserved. held: part of on_hand, promised. available = on_hand − held. reserved: sold. */
export const Stock = z.object({
  product_id: Id,
  on_hand: z.int(),
  held: z.int(),
  available: z.int(),
  reserved: z.int(),
});
export type StockView = z.infer<typeof Stock>;

/** PUT /inventory/{product_id}. */
export const SetStock = z.strictObject({ on_hand: z.int().min(0).max(1_000_000_000) });

export const StockLine = z.object({ product_id: Id, quantity: Quantity });
export type StockLine = z.infer<typeof StockLine>;

/** api-gateway → inventory, POST /rpc/stock: that of the asked products which has been counted. */
export const StockRequest = z.object({ product_ids: z.array(Id).min(1).max(100) });
export const StockAnswer = z.object({ stock: z.array(Stock) });

/** order → inventory, POST /rpc/hold: a provisional hold until `orders.created` confirms it or `until` passes. */
export const HoldRequest = z.object({ order_id: Id, items: z.array(StockLine).min(1), until: Time });
export const HoldAnswer = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("held") }),
  z.object({
    kind: z.literal("out_of_stock"),
    product_id: Id,
    requested_qty: z.int(),
    available_qty: z.int(),
  }),
  /** The order was cancelled before: nothing is held any more. */
  z.object({ kind: z.literal("closed") }),
]);
export type HoldAnswer = z.infer<typeof HoldAnswer>;
