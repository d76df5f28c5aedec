import type { Dapr } from "../../kit/dapr.js";
import { every, type Loop } from "../../kit/every.js";
import type { Logger } from "../../kit/log.js";
import type { Sql } from "../../kit/sql.js";
import type { Contacts } from "./contacts.js";
import { failed, type Row, sent, unknown } from "./delivery.js";
import { mail } from "./message.js";

/** How long a claimed message is left to the replica that claimed it: longer than the sidecar is waited for. */
const lease = 40_000;

export const pendingIndex = `CREATE INDEX IF NOT EXISTS notifications_pending ON state ((value->>'due'))
   WHERE starts_with(key, 'notification:') AND value->>'delivery' = 'pending'`;

type Deps = { dapr: Dapr; sql: Sql; contacts: Contacts; log: Logger };

/**
 * Sends what is pending, one mail after the other: the binding keeps address and subject of the request at hand where
 * the next one overwrites them, so two at once could send one customer's mail to another.
 */
export function mailer({ dapr, sql, contacts, log }: Deps) {
  const unmarked = new Set<string>();
  let loop: Loop | undefined;
  let stopping = false;
  let passing: Promise<void> = Promise.resolve();

  /** The next message that is due, so that no other replica takes it for as long as the lease. */
  async function claim(): Promise<Row | undefined> {
    const now = Date.now();
    const [claimed] = await sql.query<[Row]>(
      `UPDATE state SET value = jsonb_set(value, '{due}', to_jsonb($1::text))
       WHERE key = (SELECT key FROM state
                    WHERE starts_with(key, 'notification:') AND value->>'delivery' = 'pending' AND value->>'due' < $2
                    ORDER BY value->>'due' LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING value`,
      new Date(now + lease).toISOString(),
      new Date(now).toISOString(),
    );
    return claimed?.[0];
  }

  async function deliver(row: Row): Promise<Partial<Row>> {
    if (unmarked.has(row.id)) return sent(new Date().toISOString());
    const contact = await contacts(row.user_id);
    if (!contact) return unknown();
    const { status, text } = await dapr
      .call("POST", "/v1.0/bindings/smtp", mail(contact.email, row))
      .catch((error) => ({ status: 0, text: String(error.cause ?? error) }));
    const now = new Date().toISOString();
    if (status < 200 || status >= 300) return failed(row, text, now);
    unmarked.add(row.id);
    return sent(now);
  }

  async function mark({ id, topic, order_id }: Row, outcome: Partial<Row>): Promise<void> {
    await sql.exec(
      "UPDATE state SET value = value || $2::text::jsonb WHERE key = $1 AND value->>'delivery' = 'pending'",
      `notification:${id}`,
      JSON.stringify(outcome),
    );
    unmarked.delete(id);
    const { delivery, tries, reason } = outcome;
    const about = { notification_id: id, topic, order_id };
    if (delivery === "sent") log.info(about, "mail sent");
    else log.warn({ ...about, tries, reason }, delivery ? "mail given up" : "mail not sent, tries again later");
  }

  async function pass(): Promise<void> {
    while (!stopping) {
      const row = await claim();
      if (!row) return;
      await mark(row, await deliver(row));
    }
  }

  return {
    start(): void {
      const report = (error: unknown) => log.warn({ err: error }, "mails not sent, tries again");
      loop = every(
        1_000,
        () => {
          passing = pass();
          return passing;
        },
        report,
      );
    },
    /** The mail at hand is finished, so that nobody sends it again. */
    async stop(): Promise<void> {
      stopping = true;
      loop?.stop();
      await passing.catch(() => undefined);
    },
  };
}
