import { demoProducts } from "../../contracts/demo.js";
import { ProductsAnswer } from "../../contracts/product.js";
import { authenticator } from "../../kit/auth.js";
import { deadLetterIndex } from "../../kit/dead-letters.js";
import { environment, flag } from "../../kit/env.js";
import { subscribe } from "../../kit/events.js";
import { every, type Loop } from "../../kit/every.js";
import { outbox, outboxIndex } from "../../kit/outbox.js";
import { service } from "../../kit/service.js";
import { sqlBinding } from "../../kit/sql.js";
import { stateStore } from "../../kit/state.js";
import { handlers, routes } from "./app.js";
import { auditRoutes } from "./audit.js";
import { indexes, warehouse } from "./warehouse.js";

const env = environment({ SEED_DEMO: flag });

await service("inventory", env, ({ app, dapr, log }) => {
  const store = stateStore(dapr, "inventory-state");
  const sql = sqlBinding(dapr, "inventory-sql");
  const authenticate = authenticator(env);
  const out = outbox({ dapr, sql, app: "inventory", log });
  const stock = warehouse(store, sql, out);
  const isProduct = async (id: string) => {
    const answer = await dapr.ask("product", "/rpc/products", { product_ids: [id] });
    return ProductsAnswer.parse(answer).products.length > 0;
  };
  routes(app, { stock, authenticate, isProduct });
  auditRoutes(app, sql);
  subscribe(app.router, "inventory", handlers(stock), { store, sql, authenticate, log });
  let sweeps: Loop | undefined;
  return {
    async prepare() {
      await sql.prepare([outboxIndex, deadLetterIndex, ...indexes]);
      if (env.SEED_DEMO) for (const { id, stock: first } of demoProducts) await stock.stockFirst(id, first);
      sweeps = every(2_000, stock.sweep, (error) => log.warn({ err: error }, "ended holds not swept, tries again"));
      out.start();
    },
    async stop() {
      sweeps?.stop();
      await out.stop();
    },
  };
});
