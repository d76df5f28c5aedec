import { z } from "zod";
import { authenticator } from "../../kit/auth.js";
import { deadLetterIndex } from "../../kit/dead-letters.js";
import { environment } from "../../kit/env.js";
import { subscribe } from "../../kit/events.js";
import { service } from "../../kit/service.js";
import { sqlBinding } from "../../kit/sql.js";
import { stateStore } from "../../kit/state.js";
import { handlers, indexes, routes } from "./app.js";
import { contacts } from "./contacts.js";
import { pendingIndex, post } from "./post.js";

const env = environment({
  /** Set: messages go by mail, through the sidecar, which has the rest of the settings. Empty: to the log. */
  SMTP_HOST: z.string().default(""),
});

await service("notification", env, ({ app, dapr, log }) => {
  const store = stateStore(dapr, "notification-state");
  const sql = sqlBinding(dapr, "notification-sql");
  const ask = contacts(dapr);
  const channel = env.SMTP_HOST ? "email" : "log";
  const out = post({ dapr, sql, contacts: ask, log });
  const authenticate = authenticator(env);
  routes(app, sql, authenticate);
  const heard = handlers({ store, contacts: ask, channel, log });
  subscribe(app.router, "notification", heard, { store, sql, authenticate, log });
  return {
    async prepare() {
      await sql.prepare([deadLetterIndex, ...indexes, pendingIndex]);
      if (channel === "email") out.start();
    },
    stop: out.stop,
  };
});
