import { demoProducts } from "../../contracts/demo.js";
import { environment, flag } from "../../kit/env.js";
import { service } from "../../kit/service.js";
import { sqlBinding } from "../../kit/sql.js";
import { stateStore } from "../../kit/state.js";
import { indexes, key, routes } from "./app.js";
import type { Item } from "./product.js";

const env = environment({ SEED_DEMO: flag });

await service("product", env, ({ app, dapr }) => {
  const store = stateStore(dapr, "product-state");
  const sql = sqlBinding(dapr, "product-sql");
  routes(app, store, sql);
  return {
    async prepare() {
      await sql.prepare(indexes);
      if (!env.SEED_DEMO) return;
      const now = new Date().toISOString();
      for (const { stock, ...product } of demoProducts) {
        const item: Item = { ...product, active: true, created_at: now, updated_at: now };
        await store.insert(key(item.id), item);
      }
    },
  };
});
