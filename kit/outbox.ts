import { randomUUID } from "node:crypto";
import type { EventOf, Topic } from "../contracts/events.js";
import type { Write } from "./commit.js";
import { context, freshTraceparent, traceIdOf, within } from "./context.js";
import type { Dapr } from "./dapr.js";
import { every, type Loop } from "./every.js";
import type { Read } from "./gauges.js";
import type { Logger } from "./log.js";
import { timed } from "./metrics.js";
import { type Publication, publisher } from "./publisher.js";
import type { Sql } from "./sql.js";
import { traced } from "./trace.js";
import type { Workflows } from "./workflow.js";

/** What a committed change still has to say. `id` is the same for the same fact, however often it is said. */
export type Message =
  | Publication
  | { start: { workflow: string; id: string; input: object } }
  | { tell: { workflow: string; id: string; input: object; from: string; event: string; data: object } }
  | { ask: { app: string; path: string; body: object } };

export const publish = <T extends Topic>(topic: T, id: string, data: EventOf<T>) =>
  ({ publish: topic, id, data }) as Message;

/**
 * `link`: the trace of who caused it, where that is another one than the trace it belongs to. `due`: when it is next to be
 * sent, which a claim puts off; `since`: when it first was.
 */
type Row = { messages: Message[]; traceparent: string; link?: string; due: string; since: string };
export type Outbox = ReturnType<typeof outbox>;

/** Rows this young are still being sent by the process that wrote them. */
const grace = 2_000;
/** How long a claimed row is left to the replica that claimed it. */
const lease = 10_000;
/** Rows that a replica claims at once, and that it may be sending when it claims more. */
const claimed = 100;
const mostSending = 1_000;

export const outboxIndex =
  "CREATE INDEX IF NOT EXISTS outbox_due ON state ((value->>'due')) WHERE starts_with(key, 'outbox:')";

/**
 * Every change leaves dead rows here: an outbox row that was sent, the old version of what it speaks of. By default they
 * are swept when they are a fifth of the table, which grows with every order ever made; here when they are a few.
 */
export const sweptOften =
  "ALTER TABLE state SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000)";

function nameOf(message: Message): string {
  if ("publish" in message) return `publish ${message.publish}`;
  if ("ask" in message) return `ask ${message.ask.app}`;
  return "start" in message ? "start saga" : "tell saga";
}

function kindOf(message: Message) {
  if ("publish" in message) return "event";
  if ("ask" in message) return "question";
  return "start" in message ? "saga_start" : "saga_hint";
}

/** What is due and not sent; of that what a replica has claimed, a lease ago at most. */
export const outboxLag =
  (sql: Sql): Read =>
  async () => {
    const now = Date.now();
    const [lag] = await sql.sure<{ rows: number; since: string | null }>(
      `SELECT jsonb_build_object('rows', count(*), 'since', min(value->>'since'))
       FROM state WHERE starts_with(key, 'outbox:') AND value->>'due' < $1 AND value->>'since' < $2`,
      new Date(now + lease).toISOString(),
      new Date(now).toISOString(),
    );
    const { rows, since } = lag as NonNullable<typeof lag>;
    return [
      { name: "outbox.pending", value: rows, attributes: {} },
      { name: "outbox.oldest.age", value: since ? (now - Date.parse(since)) / 1000 : 0, attributes: {} },
    ];
  };

type Deps = { dapr: Dapr; sql: Sql; app: string; log: Logger; workflows?: Workflows };

/**
 * Rows written in the transaction of the change they speak of, sent right after the commit, and removed only when
 * Dapr has accepted every message. What a crash leaves, the relay of any replica sends: so a message may come twice.
 */
export function outbox({ dapr, sql, app, log, workflows }: Deps) {
  const sending = new Set<string>();
  const sent: string[] = [];
  let removing: NodeJS.Timeout | undefined;
  let relaying: Loop | undefined;

  const announce = publisher(dapr, app);

  const deliver = (message: Message) =>
    timed(
      "outbox.send.duration",
      { kind: kindOf(message) },
      () => handOver(message),
      () => "sent",
    );

  async function handOver(message: Message): Promise<void> {
    if ("publish" in message) {
      await announce(message);
    } else if ("ask" in message) {
      await dapr.ask(message.ask.app, message.ask.path, message.ask.body);
    } else if (!workflows) {
      throw new Error("this service has no workflows");
    } else if ("start" in message) {
      await workflows.start(message.start);
    } else {
      await workflows.tell(message.tell);
    }
  }

  async function removeSent(): Promise<void> {
    removing = undefined;
    const keys = sent.splice(0);
    try {
      await sql.exec(
        "DELETE FROM state WHERE key = ANY(ARRAY(SELECT jsonb_array_elements_text($1::text::jsonb)))",
        JSON.stringify(keys),
      );
    } catch (error) {
      log.warn({ err: error, rows: keys.length }, "sent outbox rows not removed; they will be sent again");
    }
  }

  const deliverAll = (messages: Message[], link?: string) =>
    messages.map((message) => traced(nameOf(message), "PRODUCER", () => deliver(message), link));

  async function send(key: string, { messages, traceparent, link }: Row): Promise<void> {
    sending.add(key);
    const here = { request_id: key, ...context(), traceparent };
    const results = await within(here, () => Promise.allSettled(deliverAll(messages, link)));
    sending.delete(key);
    const failed = results.find((result) => result.status === "rejected");
    if (failed) {
      log.warn({ err: failed.reason, outbox: key }, "not sent, left to the relay");
      return;
    }
    sent.push(key);
    removing ??= setTimeout(() => void removeSent(), 20);
  }

  /** Claims some of what is due, so that no other replica takes it, and begins to send it; true when there may be more. */
  async function claim(): Promise<boolean> {
    const now = Date.now();
    const rows = await sql.query<[string, Row]>(
      `UPDATE state SET value = jsonb_set(value, '{due}', to_jsonb($1::text))
       WHERE key IN (SELECT key FROM state WHERE starts_with(key, 'outbox:') AND value->>'due' < $2
                     ORDER BY value->>'due' LIMIT ${claimed} FOR UPDATE SKIP LOCKED)
       RETURNING key, value`,
      new Date(now + lease).toISOString(),
      new Date(now).toISOString(),
    );
    const waiting = rows.filter(([key]) => !sending.has(key) && !sent.includes(key));
    if (waiting.length > 0) log.info({ rows: waiting.length }, "outbox relay sends what was left");
    for (const [key, row] of waiting) void send(key, row);
    return rows.length === claimed;
  }

  /** Nobody waits for the sends: an engine that is slow to answer must not hold up what the broker would take. */
  async function relay(): Promise<void> {
    while (sending.size < mostSending && (await claim()));
  }

  /** What is said belongs to the trace of its subject, `home`, which began it long ago; who says it now is linked. */
  function traceOf(home = context()?.traceparent): Pick<Row, "traceparent" | "link"> {
    const here = context()?.traceparent;
    if (!home) return { traceparent: freshTraceparent() };
    if (!here) return { traceparent: home };
    return traceIdOf(here) === traceIdOf(home) ? { traceparent: here } : { traceparent: home, link: here };
  }

  return {
    /**
     * The row of a message that is sent at `due` and not before, unless it is called off; by name, which is its alone.
     */
    later: (name: string, due: string, message: Message): Write => ({
      key: `outbox:${name}`,
      value: { messages: [message], ...traceOf(), due, since: due } satisfies Row,
    }),
    callOff: (name: string): Write => ({ key: `outbox:${name}`, remove: true }),
    /** The row for the transaction, and what to call once it is committed; sending is nobody's to wait for. */
    prepare(messages: Message[], home?: string): { writes: Write[]; sendNow: () => void } {
      if (messages.length === 0) return { writes: [], sendNow: () => undefined };
      const key = `outbox:${randomUUID()}`;
      const due = new Date(Date.now() + grace).toISOString();
      const row: Row = { messages, ...traceOf(home), due, since: due };
      return { writes: [{ key, value: row }], sendNow: () => void send(key, row) };
    },
    /** Sends what needs no row: a stored answer said again. Throws when Dapr does not take it. */
    async say(messages: Message[]): Promise<void> {
      await Promise.all(deliverAll(messages));
    },
    /** From now on this process also sends what a crash, here or elsewhere, has left. */
    start(): void {
      relaying = every(1_000, relay, (error) => log.warn({ err: error }, "outbox not relayed, tries again"));
    },
    /** What is sent is removed before the process leaves, so that it is not sent again. */
    async stop(): Promise<void> {
      relaying?.stop();
      clearTimeout(removing);
      if (sent.length > 0) await removeSent();
    },
  };
}
