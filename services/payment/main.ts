import { z } from "zod";
import { OwnerAnswer } from "../../contracts/order.js";
import { updater } from "../../kit/aggregate.js";
import { authenticator } from "../../kit/auth.js";
import { deadLetterIndex, deadLettersWaiting, oldDeadLetters } from "../../kit/dead-letters.js";
import { environment } from "../../kit/env.js";
import { subscribe } from "../../kit/events.js";
import { every, type Loop } from "../../kit/every.js";
import { outbox, outboxIndex, outboxLag, sweptOften } from "../../kit/outbox.js";
import { retention, retentionIndexes } from "../../kit/retention.js";
import { service } from "../../kit/service.js";
import { settings } from "../../kit/settings.js";
import { sqlBinding } from "../../kit/sql.js";
import { stateStore } from "../../kit/state.js";
import { handlers, routes } from "./app.js";
import { auditRoutes } from "./audit.js";
import { measured } from "./metrics.js";
import { indexes, payments } from "./payments.js";
import { provider } from "./provider.js";
import { recoveryRoutes } from "./recovery.js";

const env = environment({
  PROVIDER_URL: z.url(),
  /** How long an answer of the provider is waited for before the outcome counts as unknown. */
  PROVIDER_TIMEOUT_MS: z.coerce.number().int().min(100).default(3000),
});

await service("payment", env, ({ app, dapr, log }) => {
  const store = stateStore(dapr, "payment");
  const sql = sqlBinding(dapr, "payment");
  const authenticate = authenticator(env);
  const out = outbox({ dapr, sql, app: "payment", log });
  const outside = measured(provider(env.PROVIDER_URL, env.PROVIDER_TIMEOUT_MS));
  const all = payments(store, sql, updater(store, out), outside);
  const ownerOf = async (order_id: string) =>
    OwnerAnswer.parse(await dapr.ask("order", "/rpc/owner", { order_id })).user_id;
  routes(app, { payments: all, authenticate, ownerOf });
  auditRoutes(app, sql, outside);
  recoveryRoutes(app, all);
  subscribe(app.router, "payment", handlers(all), { store, sql, authenticate, log });
  const live = settings(dapr, log, ["keep_dead_letters_days"]);
  const old = { dead_letters: oldDeadLetters(live.now) };
  let retaining: Loop | undefined;
  let sweeps: Loop | undefined;
  return {
    gauges: [outboxLag(sql), deadLettersWaiting(sql)],
    async prepare() {
      await sql.prepare([sweptOften, outboxIndex, deadLetterIndex, ...indexes, ...retentionIndexes(old)]);
      await live.start();
      retaining = retention(sql, log, old, env.RETENTION_SPEED);
      sweeps = every(1_000, all.sweep, (error) => log.warn({ err: error }, "open payments not swept, tries again"));
      out.start();
    },
    async stop() {
      live.stop();
      retaining?.stop();
      sweeps?.stop();
      await out.stop();
    },
  };
});
