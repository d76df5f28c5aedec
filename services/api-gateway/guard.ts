import cors from "@koa/cors";
import type Koa from "koa";
import helmet from "koa-helmet";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import type { Settings } from "../../contracts/settings.js";
import { Problem } from "../../kit/problem.js";

/** What stands before every route: security headers, and answers to other origins' browsers where they are allowed. */
export function shield(koa: Koa, origins: string[]): void {
  koa.use(helmet());
  if (origins.length === 0) return;
  koa.use(
    cors({
      origin: (ctx) => (origins.includes(ctx.get("origin")) ? ctx.get("origin") : ""),
      allowMethods: ["GET", "POST", "PUT", "PATCH", "DELETE"],
      allowHeaders: ["authorization", "content-type", "idempotency-key", "if-match", "last-event-id"],
      exposeHeaders: ["etag", "location", "retry-after", "x-request-id"],
      maxAge: 600,
    }),
  );
}

type Limits = Pick<Settings, "requests_per_minute" | "sign_ins_per_minute">;

/** Who may ask how often, counted by this replica; the limits may change at any time. */
export function limiter(limits: () => Limits) {
  const counters = {
    requests_per_minute: new RateLimiterMemory({ points: 0, duration: 60 }),
    sign_ins_per_minute: new RateLimiterMemory({ points: 0, duration: 60 }),
  };
  /** Counts one request of `who`, a user or an address: 429 when there were too many in this minute. */
  return async (who: string, limit: keyof Limits): Promise<void> => {
    const counter = counters[limit];
    counter.points = limits()[limit];
    try {
      await counter.consume(who);
    } catch (full) {
      if (!(full instanceof RateLimiterRes)) throw full;
      throw new Problem(429, `at most ${counter.points} a minute`, {}, Math.ceil(full.msBeforeNext / 1000));
    }
  };
}
