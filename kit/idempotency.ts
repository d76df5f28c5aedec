import { createHash } from "node:crypto";
import type Koa from "koa";
import { IdempotencyKey } from "../contracts/api.js";
import { Problem } from "./problem.js";

/** The client's Idempotency-Key; undefined when it sends none, 400 when it is none. */
export function idempotencyKey(ctx: Koa.Context): string | undefined {
  const key = ctx.headers["idempotency-key"] as string | undefined;
  if (key === undefined) return undefined;
  if (!IdempotencyKey.safeParse(key).success)
    throw new Problem(400, "an Idempotency-Key has 1 to 255 printable ASCII characters");
  return key;
}

export const otherBody = () => new Problem(422, "this Idempotency-Key came with another body before");

/** The same for the same content, in whatever order its fields came. */
export const fingerprint = (request: unknown): string =>
  createHash("sha256").update(JSON.stringify(request, sorted)).digest("base64url").slice(0, 22);

const sorted = (_: string, value: unknown): unknown =>
  value && typeof value === "object" && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
