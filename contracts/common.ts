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

/** A page of anything: `next_cursor` is null on the last one. */
export const page = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next_cursor: z.string().nullable() });
export type Page<T> = { items: T[]; next_cursor: string | null };

/** `limit` and `cursor` of every list. */
export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().max(500).optional(),
});

/** RFC 9457; what else it names (product_id, allowed, errors) depends on the refusal. */
export const Problem = z.looseObject({ type: z.string(), title: z.string(), status: z.int(), detail: z.string() });
