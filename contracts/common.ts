import { z } from "zod";
import { isCurrency } from "./money.js";

/** Any UUID, whatever its version: ids made from business keys are version 5. */
export const Id = z.guid().toLowerCase();
/** A decimal string; how many decimals are right depends on the currency beside it (money.ts). */
export const Money = z.string().regex(/^-?\d{1,12}(\.\d{1,4})?$/);
/** ISO 4217. */
export const Currency = z
  .string()
  .regex(/^[A-Z]{3}$/)
  .refine(isCurrency, "no currency of ISO 4217");
/** RFC 3339 in UTC. */
export const Time = z.iso.datetime();
/** Of one product in one order. */
export const maxQuantity = 10_000;
export const Quantity = z.int().min(1).max(maxQuantity);

/** A whole number of a query, which is text. Mere coercion would take nothing for 0 and "0x10" for 16. */
export const whole = (min: number, max: number) =>
  z.preprocess(
    (text: string | number) => (typeof text === "string" && /^\d+$/.test(text) ? Number(text) : text),
    z.int().min(min).max(max),
  );

/** `limit` and `cursor` of every list; `cursors` wishes for each item's own cursor, to go on after any of them. */
export const PageQuery = z.object({
  limit: whole(1, 100).prefault(20),
  cursor: z.string().max(500).optional(),
  cursors: z.literal("true").optional(),
});
export type PageQuery = z.infer<typeof PageQuery>;
/** A page of every list; `next_cursor` asks for the next one, null on the last. */
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({
    items: z.array(item),
    next_cursor: z.string().nullable(),
    cursors: z.array(z.string()).optional(),
  });

/** RFC 9457: what every refusal and failure is answered with. */
export const Problem = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
});
export type Problem = z.infer<typeof Problem>;
