import { authenticator } from "../../kit/auth.js";
import { environment } from "../../kit/env.js";
import { subscribe } from "../../kit/events.js";
import { service } from "../../kit/service.js";
import { sqlBinding } from "../../kit/sql.js";
import { stateStore } from "../../kit/state.js";
import { handlers, indexes, routes } from "./app.js";

const env = environment();

await service("notification", env, ({ app, dapr, log }) => {
  const store = stateStore(dapr, "notification-state");
  const sql = sqlBinding(dapr, "notification-sql");
  routes(app, sql, authenticator(env.DAPR_HTTP_PORT));
  subscribe(app.router, "notification", handlers(store, log), store, log);
  return { prepare: () => sql.prepare(indexes) };
});
