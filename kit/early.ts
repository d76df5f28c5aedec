import type { Topic } from "../contracts/events.js";
import { context, freshTraceparent, within } from "./context.js";
import { digestOf, type SetAside } from "./dead-letters.js";
import type { Logger } from "./log.js";
import { Early } from "./problem.js";
import type { Sql } from "./sql.js";
import type { Store } from "./state.js";

type Row = { topic: Topic; body: string; traceparent: string; at: string };
type Deps = { store: Store; sql: Sql; log: Logger };
/** Handles a message; gives the reason when it never can be. */
type Handle = (topic: Topic, body: string) => Promise<string | undefined>;

/** How long a message is tried before it is about something that never was (contract: 60 s). */
const patience = 60_000;
const prefix = "early:";
const most = 500;

export const earlyIndex = `CREATE INDEX IF NOT EXISTS early ON state ((value->>'at')) WHERE starts_with(key, '${prefix}')`;

/** What is done with work that turns out to be early; what else goes wrong, goes wrong. */
export const whenEarly = <T, E>(work: Promise<T>, then: (early: Early) => E | Promise<E>): Promise<T | E> =>
  work.catch((error) => {
    if (error instanceof Early) return then(error);
    throw error;
  });

/**
 * Messages that came before what they are about. They wait in the store of their consumer: at the broker they would hold
 * up whatever is behind them in their partition, and a process that dies would forget since when they wait.
 */
export function waitingRoom({ store, sql, log }: Deps, handle: Handle, setAside: SetAside) {
  let someWait = true;
  let passes = 0;

  async function retry({ key, topic, body, traceparent, at }: Row & { key: string }): Promise<void> {
    const isOver = Date.now() - Date.parse(at) >= patience;
    const here = { request_id: crypto.randomUUID(), traceparent };
    const handled = within(here, () => handle(topic, body));
    const reason = await whenEarly(handled, ({ message }) => (isOver ? message : null));
    if (reason === null) return;
    if (reason !== undefined) await setAside(topic, body, reason);
    await store.remove(key);
  }

  return {
    async keep(topic: Topic, body: string, { message }: Early): Promise<void> {
      const traceparent = context()?.traceparent ?? freshTraceparent();
      const row: Row = { topic, body, traceparent, at: new Date().toISOString() };
      if (await store.insert(prefix + digestOf(topic, body), row)) log.info({ topic, reason: message }, "early, waits");
      someWait = true;
    },

    /** Tries them again. Every tenth pass looks for those that another replica kept, and left behind. */
    async pass(): Promise<void> {
      if (!someWait && ++passes % 10 !== 0) return;
      // Before the look, so that who comes during it is looked for again.
      someWait = false;
      const rows = await sql.sure<Row & { key: string }>(
        `SELECT value || jsonb_build_object('key', key) FROM state WHERE starts_with(key, '${prefix}')
         ORDER BY value->>'at' LIMIT ${most}`,
      );
      someWait ||= rows.length > 0;
      for (const result of await Promise.allSettled(rows.map(retry)))
        if (result.status === "rejected") throw result.reason;
    },
  };
}
