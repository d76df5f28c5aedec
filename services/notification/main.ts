import { z } from "zod";
import { authenticator } from "../../kit/auth.js";
import { deadLetterIndex, deadLettersWaiting, oldDeadLetters } from "../../kit/dead-letters.js";
import { environment } from "../../kit/env.js";
import { subscribe } from "../../kit/events.js";
import type { Loop } from "../../kit/every.js";
import { retention, retentionIndexes } from "../../kit/retention.js";
import { service } from "../../kit/service.js";
import { settings } from "../../kit/settings.js";
import { sqlBinding } from "../../kit/sql.js";
import { stateStore } from "../../kit/state.js";
import { handlers, indexes, oldNotifications, routes } from "./app.js";
import { contacts } from "./contacts.js";
import { mailer, pendingIndex } from "./mailer.js";

const env = environment({
  /** Set: messages go by mail, through the sidecar, which has the rest of the settings. Empty: to the log. */
  SMTP_HOST: z.string().default(""),
});

await service("notification", env, ({ app, dapr, log }) => {
  const store = stateStore(dapr, "notification");
  const sql = sqlBinding(dapr, "notification");
  const ask = contacts(dapr);
  const channel = env.SMTP_HOST ? "email" : "log";
  const out = mailer({ dapr, sql, contacts: ask, log });
  const authenticate = authenticator(env);
  routes(app, sql, authenticate);
  const heard = handlers({ store, contacts: ask, channel, log });
  subscribe(app.router, "notification", heard, { store, sql, authenticate, log });
  const live = settings(dapr, log, ["keep_notifications_days", "keep_dead_letters_days"]);
  const old = { notifications: oldNotifications(live.now), dead_letters: oldDeadLetters(live.now) };
  let retaining: Loop | undefined;
  return {
    gauges: [deadLettersWaiting(sql)],
    async prepare() {
      await sql.prepare([deadLetterIndex, ...indexes, pendingIndex, ...retentionIndexes(old)]);
      await live.start();
      retaining = retention(sql, log, old, env.RETENTION_SPEED);
      if (channel === "email") out.start();
    },
    async stop() {
      live.stop();
      retaining?.stop();
      await out.stop();
    },
  };
});
