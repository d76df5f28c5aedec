import type { z } from "zod";

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Takes out of a generated schema what says nothing to its reader. */
export function tidy(schema: JsonSchema): void {
  // The format says it already, and its pattern is a page long.
  if (schema.format === "uuid" || schema.format === "date-time") delete schema.pattern;
  // What an integer can be in JavaScript anyway.
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
}
