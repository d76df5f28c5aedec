import { z } from "zod";
import { updater } from "../../kit/aggregate.js";
import { authenticator } from "../../kit/auth.js";
import { connect } from "../../kit/dapr.js";
import { deadLetterIndex, deadLettersWaiting, oldDeadLetters } from "../../kit/dead-letters.js";
import { earlyIndex } from "../../kit/early.js";
import { environment } from "../../kit/env.js";
import { subscribe } from "../../kit/events.js";
import { every, type Loop } from "../../kit/every.js";
import { outbox, outboxIndex, outboxLag, sweptOften } from "../../kit/outbox.js";
import { retention, retentionIndexes } from "../../kit/retention.js";
import { service } from "../../kit/service.js";
import { settings } from "../../kit/settings.js";
import { sqlBinding } from "../../kit/sql.js";
import { stateStore } from "../../kit/state.js";
import { work, workflows } from "../../kit/workflow.js";
import { routes } from "./app.js";
import { handlers } from "./events.js";
import { orderGauges } from "./gauges.js";
import { instanceRows, unreadIndex } from "./instances.js";
import { indexes, oldCommands, orders } from "./orders.js";
import { terms } from "./place.js";
import { reconciler, reconciliationIndex } from "./reconciler.js";
import { reconciliationRoutes } from "./reconciliation-routes.js";
import { sagas } from "./sagas.js";
import { serviceClients } from "./service-clients.js";
import { steps } from "./steps.js";
import { waker } from "./wake.js";

const env = environment({
  /** off: an order is accepted without a look at the stock; a shortage shows after payment and is refunded. */
  HOLD_AT_POST: z.enum(["on", "off"]).default("on"),
  /** Orders that changed so lately are left to the next reconciliation: their facts may be on their way. */
  RECONCILE_QUIET_SECONDS: z.coerce.number().min(0).default(60),
});

await service("order", env, ({ app, dapr, log }) => {
  const store = stateStore(dapr, "order");
  const sql = sqlBinding(dapr, "order");
  // Connections of their own: while no worker is connected these calls hang, and nothing else may wait for them.
  const instances = workflows(connect(env, 5_000), instanceRows(sql));
  const out = outbox({ dapr, sql, app: "order", log, workflows: instances });
  const live = settings(dapr, log, [...terms, "keep_idempotency_keys_days", "keep_dead_letters_days"]);
  const old = { commands: oldCommands(live.now), dead_letters: oldDeadLetters(live.now) };
  const update = updater(store, out);
  const all = orders(store, sql, update, out);
  const reconciliation = reconciler({ dapr, store, sql, update, log, quietSeconds: env.RECONCILE_QUIET_SECONDS });
  let reconciling: Loop | undefined;
  let retaining: Loop | undefined;
  let wakes: Loop | undefined;
  let waiting: Loop | undefined;
  let worker: ReturnType<typeof work> | undefined;

  const deps = { orders: all, ask: serviceClients(dapr, log), terms: live.now };
  const authenticate = authenticator(env);
  routes(app, { ...deps, authenticate, holdAtPost: env.HOLD_AT_POST === "on" });
  reconciliationRoutes(app, reconciliation, authenticate);
  const early = subscribe(app.router, "order", handlers(deps), { store, sql, authenticate, log });

  return {
    gauges: [...orderGauges(sql, reconciliation), outboxLag(sql), deadLettersWaiting(sql)],
    async prepare() {
      await sql.prepare([
        sweptOften,
        outboxIndex,
        deadLetterIndex,
        earlyIndex,
        reconciliationIndex,
        unreadIndex,
        ...indexes,
        ...retentionIndexes(old),
      ]);
      await live.start();
      worker = work(env, dapr, { workflows: sagas, activities: steps(all) }, log);
      reconciling = every(5_000, reconciliation.tick, (error) =>
        log.warn({ err: error }, "reconciliation not begun, tries again"),
      );
      retaining = retention(sql, log, old, env.RETENTION_SPEED);
      wakes = every(10_000, waker(all, sql, instances, out), (error) =>
        log.warn({ err: error }, "overdue sagas not woken, tries again"),
      );
      waiting = every(1_000, early, (error) => log.warn({ err: error }, "early messages not handled, tries again"));
      out.start();
    },
    async stop() {
      live.stop();
      reconciling?.stop();
      retaining?.stop();
      wakes?.stop();
      waiting?.stop();
      await Promise.all([worker?.stop(), out.stop()]);
    },
  };
});
