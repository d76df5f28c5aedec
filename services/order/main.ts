import { z } from "zod";
import { updater } from "../../kit/aggregate.js";
import { authenticator } from "../../kit/auth.js";
import { connect } from "../../kit/dapr.js";
import { deadLetterIndex } from "../../kit/dead-letters.js";
import { environment } from "../../kit/env.js";
import { subscribe } from "../../kit/events.js";
import { every, type Loop } from "../../kit/every.js";
import { outbox, outboxIndex } from "../../kit/outbox.js";
import { service } from "../../kit/service.js";
import { settings } from "../../kit/settings.js";
import { sqlBinding } from "../../kit/sql.js";
import { stateStore } from "../../kit/state.js";
import { work, workflows } from "../../kit/workflow.js";
import { routes } from "./app.js";
import { auditRoutes } from "./audit-routes.js";
import { auditIndex, auditor } from "./auditor.js";
import { handlers } from "./events.js";
import { eraseInstance, instanceOf } from "./instances.js";
import { message } from "./messages.js";
import { neighbours } from "./neighbours.js";
import { type Order, progress } from "./order.js";
import { indexes, orders } from "./orders.js";
import { terms } from "./place.js";
import { orderSaga, sagaName } from "./saga.js";
import { steps } from "./steps.js";
import { streams } from "./stream.js";

const env = environment({
  /** off: an order is accepted without a look at the stock; a shortage shows after payment and is refunded. */
  HOLD_AT_POST: z.enum(["on", "off"]).default("on"),
  /** Orders that changed so lately are left to the next reconciliation: their facts may be on their way. */
  RECONCILE_QUIET_SECONDS: z.coerce.number().min(0).default(60),
});

await service("order", env, ({ app, dapr, log }) => {
  const store = stateStore(dapr, "order-state");
  const sql = sqlBinding(dapr, "order-sql");
  // Connections of their own: while no worker is connected these calls hang, and nothing else may wait for them.
  const sagas = workflows(connect(env.DAPR_HTTP_PORT, 5_000), (id) => eraseInstance(sql, id));
  const out = outbox({ dapr, sql, app: "order", log, workflows: sagas });
  const live = settings(dapr, log, terms);
  const update = updater(store, out);
  const all = orders(store, sql, update, out);
  const audit = auditor({ dapr, store, sql, update, log, quietSeconds: env.RECONCILE_QUIET_SECONDS });
  let audits: Loop | undefined;
  let wakes: Loop | undefined;
  let worker: ReturnType<typeof work> | undefined;

  /** Orders that only their saga could bring on, and that it did not: it is dead, or its timer got lost. */
  const wake = async (order: Order) => {
    await sagas.replaceDead(instanceOf(order));
    if (!progress(order).waiting) await out.say([message(order, { saga: "tell" })]);
  };
  const wakeAll = async () => {
    const woken = await Promise.allSettled((await all.overdue(Date.now())).map(wake));
    const failed = woken.find((one) => one.status === "rejected");
    if (failed) throw failed.reason;
  };

  const deps = { orders: all, ask: neighbours(dapr, log), terms: live.now };
  const authenticate = authenticator(env.DAPR_HTTP_PORT);
  const watched = streams(all.entriesAfter, (error) => log.warn({ err: error }, "histories not read, tries again"));
  routes(app, { ...deps, authenticate, streams: watched, holdAtPost: env.HOLD_AT_POST === "on" });
  auditRoutes(app, audit, authenticate);
  subscribe(app.router, "order", handlers(deps), { store, sql, authenticate, log });

  return {
    async prepare() {
      await sql.prepare([outboxIndex, deadLetterIndex, auditIndex, ...indexes]);
      await live.start();
      worker = work(env.DAPR_GRPC_PORT, dapr, { workflows: { [sagaName]: orderSaga }, activities: steps(all) }, log);
      audits = every(5_000, audit.tick, (error) => log.warn({ err: error }, "reconciliation not begun, tries again"));
      wakes = every(10_000, wakeAll, (error) => log.warn({ err: error }, "overdue sagas not woken, tries again"));
      out.start();
    },
    async stop() {
      watched.stop();
      live.stop();
      audits?.stop();
      wakes?.stop();
      await Promise.all([worker?.stop(), out.stop()]);
    },
  };
});
