import { demoProducts } from "../../contracts/demo.js";
import { authenticator } from "../../kit/auth.js";
import { environment, flag } from "../../kit/env.js";
import { service } from "../../kit/service.js";
import { settings } from "../../kit/settings.js";
import { sqlBinding } from "../../kit/sql.js";
import { stateStore } from "../../kit/state.js";
import { indexes, key, routes } from "./app.js";
import type { Item } from "./product.js";

const env = environment({ SEED_DEMO: flag });

await service("product", env, ({ app, dapr, log }) => {
  const store = stateStore(dapr, "product");
  const sql = sqlBinding(dapr, "product");
  const live = settings(dapr, log, ["currencies"]);
  const authenticate = authenticator(env);
  routes(app, { store, sql, authenticate, currencies: () => live.now().currencies });
  return {
    async prepare() {
      await sql.prepare(indexes);
      await live.start();
      if (!env.SEED_DEMO) return;
      const now = new Date().toISOString();
      for (const { stock, ...product } of demoProducts) {
        const item: Item = { ...product, active: true, created_at: now, updated_at: now };
        await store.insert(key(item.id), item);
      }
    },
    async stop() {
      live.stop();
    },
  };
});
