import { v5 } from "uuid";
import { PageQuery } from "../../contracts/common.js";
import type { EventOf } from "../../contracts/events.js";
import type { Notification } from "../../contracts/notification.js";
import type { Settings } from "../../contracts/settings.js";
import type { Authenticate } from "../../kit/auth.js";
import type { Envelope, Handlers } from "../../kit/events.js";
import { type App, query } from "../../kit/http.js";
import type { Logger } from "../../kit/log.js";
import { day, type Kind } from "../../kit/retention.js";
import { pageOf, type Sql, startOf } from "../../kit/sql.js";
import type { Store } from "../../kit/state.js";
import type { Contacts } from "./contacts.js";
import { draft, type Row, view } from "./delivery.js";
import { type Told, told } from "./words.js";

const namespace = "8a4c1f7b-3c42-4d7e-a7f6-2d0e5c9b7a33";

export const indexes = [
  `CREATE INDEX IF NOT EXISTS notifications_by_user ON state ((value->>'user_id'), (value->>'created_at'), key)
   WHERE starts_with(key, 'notification:')`,
];

/** What is still to be sent is not old. */
export const oldNotifications = (terms: () => Pick<Settings, "keep_notifications_days">): Kind => ({
  rows: "starts_with(key, 'notification:') AND value->>'delivery' <> 'pending'",
  seconds: () => terms().keep_notifications_days * day,
});

type Deps = { store: Store; contacts: Contacts; channel: Notification["channel"]; log: Logger };

/** Every event a customer cares about becomes one stored message: its row, keyed by the event's id, is the inbox. */
export function handlers({ store, contacts, channel, log }: Deps): Handlers {
  const tell = async <T extends Told>(topic: T, data: EventOf<T>, event: Envelope) => {
    const contact = await contacts(data.user_id);
    const id = v5(event.id, namespace);
    const row = draft({ id, topic, data, now: new Date().toISOString() }, contact, channel);
    const { delivery } = row;
    // Where no mail is sent, this line is the delivery.
    if (await store.insert(`notification:${id}`, row)) log.info({ topic, notification_id: id, delivery }, "notified");
  };
  return Object.fromEntries(
    told.map((topic) => [topic, (data: EventOf<Told>, event: Envelope) => tell(topic, data as never, event)]),
  );
}

export function routes({ router }: App, sql: Sql, authenticate: Authenticate): void {
  router.get("/notifications", async (ctx) => {
    const who = await authenticate(ctx);
    const page = query(ctx, PageQuery);
    const { limit, cursor } = page;
    const position = cursor === undefined ? [] : startOf("notifications", cursor, 2);
    const rows = await sql.query<[Row]>(
      `SELECT value FROM state WHERE starts_with(key, 'notification:') AND value->>'user_id' = $1
       ${position.length > 0 ? "AND (value->>'created_at', key) < ($2, $3)" : ""}
       ORDER BY value->>'created_at' DESC, key DESC LIMIT ${limit + 1}`,
      who.sub,
      ...position,
    );
    const { items, ...cursors } = pageOf("notifications", rows, page, (last) => [
      last.created_at,
      `notification:${last.id}`,
    ]);
    ctx.body = { items: items.map(view), ...cursors };
  });
}
