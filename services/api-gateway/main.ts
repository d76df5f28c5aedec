import { z } from "zod";
import { api } from "../../contracts/api.js";
import { type Authenticate, authenticator } from "../../kit/auth.js";
import { environment, flag } from "../../kit/env.js";
import { service } from "../../kit/service.js";
import { settings } from "../../kit/settings.js";
import { deadLetters } from "./dead-letters.js";
import { forwarder } from "./forward.js";
import { limiter, shield } from "./guard.js";
import { forwarded } from "./routes.js";

const env = environment({
  /** Origins whose browser pages may ask, separated by commas: "https://shop.example,https://desk.example". */
  CORS_ORIGINS: z.string().default(""),
  /** true behind a proxy that sets X-Forwarded-For: then that is the client's address. */
  TRUST_PROXY: flag,
});

await service("api-gateway", env, ({ app, dapr, log }) => {
  const authenticate = authenticator(env.DAPR_HTTP_PORT);
  const forward = forwarder(env.DAPR_HTTP_PORT);
  const live = settings(dapr, log, ["requests_per_minute", "sign_ins_per_minute"]);
  const count = limiter(live.now);
  app.koa.proxy = env.TRUST_PROXY;
  shield(app.koa, env.CORS_ORIGINS.split(",").filter(Boolean));

  /** Counts the request: a user's together, and together those of an address that does not say who it is. */
  const counted: Authenticate = async (ctx) => {
    const who = await authenticate(ctx).catch(async (error) => {
      await count(ctx.ip, "requests_per_minute");
      throw error;
    });
    await count(who.sub, "requests_per_minute");
    return who;
  };

  for (const { method, path, service, open, streamed } of forwarded) {
    app.router.register(path, [method], async (ctx) => {
      if (path === api.signIn.path) await count(ctx.ip, "sign_ins_per_minute");
      if (open) await count(ctx.ip, "requests_per_minute");
      else await counted(ctx);
      await forward(ctx, service, streamed);
    });
  }
  deadLetters(app, { dapr, authenticate: counted, forward });

  return {
    prepare: live.start,
    stop: async () => live.stop(),
    drain: 1_000,
  };
});
