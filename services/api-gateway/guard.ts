import cors from "@koa/cors";
import type Koa from "koa";
import helmet from "koa-helmet";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { api, type Route } from "../../contracts/api.js";
import type { Settings } from "../../contracts/settings.js";
import type { Claims } from "../../contracts/user.js";
import type { Authenticate } from "../../kit/auth.js";
import { count as countRefusal } from "../../kit/metrics.js";
import { Problem } from "../../kit/problem.js";

/** Two of one of these: which one counts would be anybody's guess. */
const single = ["authorization", "content-type", "idempotency-key", "last-event-id"];

/** What stands before every route: one meaning per request, security headers, and answers to other origins' browsers where they are allowed. */
export function shield(koa: Koa, origins: string[]): void {
  // Whether there is TLS is the proxy's to know; over plain HTTP the pages must find their own files.
  koa.use(helmet({ contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } } }));
  koa.use((ctx, next) => {
    const twice = single.find((name) => (ctx.req.headersDistinct[name]?.length ?? 0) > 1);
    if (twice) throw new Problem(400, `send one ${twice} header`);
    return next();
  });
  koa.use((ctx, next) => {
    if (ctx.get("authorization")) ctx.set("cache-control", "no-store");
    return next();
  });
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

/** The last address of X-Forwarded-For is the client's: the proxy has added it. Those before it are what the client says. */
export function behindProxy(koa: Koa): void {
  koa.proxy = true;
  koa.maxIpsCount = 1;
}

export type Admit = (ctx: Koa.Context, route: Pick<Route, "path" | "who">) => Promise<Claims | undefined>;
type Limits = Pick<Settings, "requests_per_minute" | "sign_ins_per_minute">;

/**
 * The door to every route. Who is not anyone needs a token; what its bearer may, the service decides that answers. A
 * user's requests are counted together, and together those of an address that does not say who it is: 429 when there
 * were too many in this minute, at this replica. The limits may change at any time.
 */
export function admission(authenticate: Authenticate, limits: () => Limits) {
  const counters = {
    requests_per_minute: new RateLimiterMemory({ points: 0, duration: 60 }),
    sign_ins_per_minute: new RateLimiterMemory({ points: 0, duration: 60 }),
  };

  async function count(who: string, limit: keyof Limits): Promise<void> {
    const counter = counters[limit];
    counter.points = limits()[limit];
    try {
      await counter.consume(who);
    } catch (full) {
      if (!(full instanceof RateLimiterRes)) throw full;
      countRefusal("rate_limit.refusals", { limit });
      throw new Problem(429, `at most ${counter.points} a minute`, {}, Math.ceil(full.msBeforeNext / 1000));
    }
  }

  const counted = async (ctx: Koa.Context): Promise<Claims> => {
    const who = await authenticate(ctx).catch(async (error) => {
      await count(ctx.ip, "requests_per_minute");
      throw error;
    });
    await count(who.sub, "requests_per_minute");
    return who;
  };

  /** Gives who it is, but where anyone may ask. */
  const admit: Admit = async (ctx, { path, who }) => {
    if (path === api.signIn.path) await count(ctx.ip, "sign_ins_per_minute");
    if (who !== "anyone") return counted(ctx);
    await count(ctx.ip, "requests_per_minute");
    return undefined;
  };

  return { admit, authenticate: counted };
}
