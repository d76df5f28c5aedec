import { demoProducts } from "../../contracts/demo.js";
import { ProductsAnswer } from "../../contracts/product.js";
import { authenticator } from "../../kit/auth.js";
import { deadLetterIndex, deadLettersWaiting, oldDeadLetters } from "../../kit/dead-letters.js";
import { environment, flag } from "../../kit/env.js";
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
import { stockGauges, stockIndex } from "./gauges.js";
import { indexes, lapsedHolds, stocks } from "./stocks.js";

const env = environment({ SEED_DEMO: flag });

await service("inventory", env, ({ app, dapr, log }) => {
  const store = stateStore(dapr, "inventory");
  const sql = sqlBinding(dapr, "inventory");
  const authenticate = authenticator(env);
  const out = outbox({ dapr, sql, app: "inventory", log });
  const stock = stocks(store, sql, out);
  const isProduct = async (id: string) => {
    const answer = await dapr.ask("product", "/rpc/products", { product_ids: [id] });
    return ProductsAnswer.parse(answer).products.length > 0;
  };
  routes(app, { stock, authenticate, isProduct });
  auditRoutes(app, sql);
  subscribe(app.router, "inventory", handlers(stock), { store, sql, authenticate, log });
  const live = settings(dapr, log, ["keep_dead_letters_days"]);
  const old = { lapsed_holds: lapsedHolds, dead_letters: oldDeadLetters(live.now) };
  let retaining: Loop | undefined;
  let sweeps: Loop | undefined;
  return {
    gauges: [stockGauges(sql), outboxLag(sql), deadLettersWaiting(sql)],
    async prepare() {
      await sql.prepare([sweptOften, outboxIndex, deadLetterIndex, stockIndex, ...indexes, ...retentionIndexes(old)]);
      await live.start();
      if (env.SEED_DEMO) for (const { id, stock: first } of demoProducts) await stock.stockFirst(id, first);
      sweeps = every(2_000, stock.sweep, (error) => log.warn({ err: error }, "ended holds not swept, tries again"));
      retaining = retention(sql, log, old, env.RETENTION_SPEED);
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
