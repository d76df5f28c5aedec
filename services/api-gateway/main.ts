import { z } from "zod";
import { api } from "../../contracts/api.js";
import type { Claims } from "../../contracts/user.js";
import { authenticator } from "../../kit/auth.js";
import { environment, flag } from "../../kit/env.js";
import { service } from "../../kit/service.js";
import { settings } from "../../kit/settings.js";
import { consolePages } from "./console.js";
import { deadLetters } from "./dead-letters.js";
import { documents } from "./docs.js";
import { asker, forwarder } from "./forward.js";
import { graphql } from "./graphql.js";
import { admission, behindProxy, shield } from "./guard.js";
import { proof } from "./proof.js";
import { readTogether } from "./reads.js";
import { forwarded, ownKey, routerPath } from "./routes.js";
import { streams } from "./stream.js";
import { orderEvents, timelines, watcher } from "./watch.js";

const env = environment({
  /** Origins whose browser pages may ask, separated by commas: "https://shop.example,https://desk.example". */
  CORS_ORIGINS: z.string().default(""),
  /** true behind one proxy that adds to X-Forwarded-For: what it adds is the client's address. Without it all clients are one. */
  TRUST_PROXY: flag,
  /** Where the console's pages look at a trace: "https://grafana.example/…{trace_id}…". */
  TRACE_URL: z.url().includes("{trace_id}").optional(),
  /** How long it takes until load balancers have noticed that a replica is not ready. */
  NOTICE_SECONDS: z.coerce.number().min(0).default(1),
  /** The demo accounts are there, as the user service has them. */
  SEED_DEMO: flag,
  /** `npm start` alone gives these: the supervisor's socket and the simulated provider (proof.ts). */
  CONTROL_SOCKET: z.string().optional(),
  PROVIDER_URL: z.url().optional(),
});

await service("api-gateway", env, ({ app, dapr, log }) => {
  const live = settings(dapr, log, ["requests_per_minute", "sign_ins_per_minute"]);
  const { admit, authenticate } = admission(authenticator(env), live.now);
  const ask = readTogether(asker(env));
  const forward = forwarder(ask);
  if (env.TRUST_PROXY) behindProxy(app.koa);
  shield(app.koa, env.CORS_ORIGINS.split(",").filter(Boolean));

  for (const { method, path, service, who, headers } of forwarded) {
    app.router.register(path, [method], async (ctx) => {
      await admit(ctx, { path, who });
      await forward(ctx, service, ownKey({ headers }));
    });
  }
  const watched = streams(timelines(dapr), (error) => log.warn({ err: error }, "histories not read, tries again"));
  const watch = watcher(ask, watched);
  const events = orderEvents(ask, watch);
  app.router.get(routerPath(api.orderEvents.path), async (ctx) => {
    await events(ctx, (await admit(ctx, api.orderEvents)) as Claims);
  });
  documents(app.router, admit);
  consolePages(app.router, admit, {
    trace_url: env.TRACE_URL ?? null,
    demo: env.SEED_DEMO,
    proof: env.CONTROL_SOCKET !== undefined,
  });
  proof(app.router, { authenticate, socket: env.CONTROL_SOCKET, provider: env.PROVIDER_URL });
  deadLetters(app, { ask, authenticate, forward });

  const answer = graphql(ask, watch, admit, log);
  app.router.register(api.graphql.path, ["GET", "POST"], async (ctx) => {
    await admit(ctx, api.graphql);
    await answer(ctx);
  });

  return {
    prepare: live.start,
    async stop() {
      watched.stop();
      live.stop();
    },
    exposure: "public",
    notice: env.NOTICE_SECONDS * 1000,
  };
});
