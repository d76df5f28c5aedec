import { z } from "zod";

/** Any UUID, whatever its version: ids made from business keys are version 5. */
export const Id = z.guid().toLowerCase();
/** A decimal string; how many decimals are right depends on the currency beside it (money.ts). */
export const Money = z.string().regex(/^-?\d{1,12}(\.\d{1,4})?$/);
export const Currency = z.string().regex(/^[A-Z]{3}$/);
/** RFC 3339 in UTC. */
export const Time = z.iso.datetime();
/** Of one product in one order. */
export const maxQuantity = 10_000;
export const Quantity = z.int().min(1).max(maxQuantity);

/** `limit` and `cursor` of every list. */
export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().max(500).optional(),
});
