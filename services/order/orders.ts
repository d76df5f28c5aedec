import type { PageQuery } from "../../contracts/common.js";
import type { TimelineEntry } from "../../contracts/order.js";
import type { Settings } from "../../contracts/settings.js";
import type { Update } from "../../kit/aggregate.js";
import type { Write } from "../../kit/commit.js";
import { context, traceIdOf } from "../../kit/context.js";
import { count } from "../../kit/metrics.js";
import type { Outbox } from "../../kit/outbox.js";
import { day, type Kind } from "../../kit/retention.js";
import { badCursor, pageOf, type Sql, startOf } from "../../kit/sql.js";
import type { Store } from "../../kit/state.js";
import { beginsAt, instanceOf } from "./instances.js";
import { message } from "./messages.js";
import { countChange } from "./metrics.js";
import { type At, type Command, type Decision, decide, type Order } from "./order.js";

export type Orders = ReturnType<typeof orders>;
export type Outcome =
  | { kind: "unknown" }
  | (Exclude<Decision, { kind: "changed" }> & { order: Order })
  | { kind: "changed"; order: Order };

type From = PageQuery & { offset?: number | undefined };

/** A client's Idempotency-Key, scoped and hashed, and the hash of the body it came with. */
export type Memory = { key: string; body: string };

const key = (id: string) => `order:${id}`;
const sagaRow = (id: string) => `saga:${id}`;
/** The hint of this change comes before the saga would have begun by itself. */
const beginsSaga = ({ order, effects }: Decision & { kind: "changed" }, { now }: At) =>
  effects.some((effect) => "saga" in effect) && now < beginsAt(order);
const aWhile = 10_000;

export const givingBack = `value->>'status' = 'cancelled' AND (value->>'released_at' IS NULL
  OR value->'refunds' @? '$[*] ? (@.status != "done")')`;

/** Pages by customer, by status and plain, the timeline, and what is overdue: expression indexes on the table of the state store. */
export const indexes = [
  ["by_customer", "(value->>'user_id'), (value->>'created_at'), key", "order:"],
  ["by_customer_and_status", "(value->>'user_id'), (value->>'status'), (value->>'created_at'), key", "order:"],
  ["by_status", "(value->>'status'), (value->>'created_at'), key", "order:"],
  ["by_time", "(value->>'created_at'), key", "order:"],
  ["timeline", "(value->>'order_id'), ((value->>'seq')::bigint)", "history:"],
  ["giving_back", "(value->>'updated_at')", "order:", givingBack],
].map(
  ([name, columns, prefix, where]) =>
    `CREATE INDEX IF NOT EXISTS orders_${name} ON state (${columns})
     WHERE starts_with(key, '${prefix}')${where ? ` AND ${where}` : ""}`,
);

/** Idempotency-Keys of commands. That of a placed order is in the order's id and stays. */
export const oldCommands = (terms: () => Pick<Settings, "keep_idempotency_keys_days">): Kind => ({
  rows: "starts_with(key, 'command:')",
  seconds: () => terms().keep_idempotency_keys_days * day,
});

/** That in which it was placed, which all that happens to it belongs to. */
function trace(): Pick<Order, "traceparent"> {
  const here = context();
  return here ? { traceparent: here.traceparent } : {};
}

/** Orders as stored: one row each, a history row per change, both written with the outbox row that tells the world. */
export function orders(store: Store, sql: Sql, update: Update, outbox: Outbox) {
  const historyRow = (orderId: string, entry: TimelineEntry): Write => ({
    key: `history:${orderId}:${entry.seq}`,
    value: { order_id: orderId, ...entry },
  });
  const commandRow = (orderId: string, { key, body }: Memory) => ({
    key: `command:${orderId}:${key}`,
    value: { body },
  });
  const messages = ({ order, effects }: Decision & { kind: "changed" }) => effects.map((e) => message(order, e));

  return {
    async get(id: string): Promise<Order | undefined> {
      return (await store.get<Order>(key(id))).value;
    },

    /** Stores a new order; false when there is one of that id, or when it is not known: then read again. */
    async add(decision: Decision & { kind: "changed" }): Promise<boolean> {
      const { entry } = decision;
      const order = { ...decision.order, ...trace() };
      const { writes, sendNow } = outbox.prepare(messages(decision));
      const rows: Write[] = [
        { key: key(order.id), value: order, insert: true },
        historyRow(order.id, entry),
        outbox.later(sagaRow(order.id), beginsAt(order), { start: instanceOf(order) }),
        ...writes,
      ];
      const stored = await store.transact(rows);
      if (!stored) return false;
      count("orders.placed", { from: entry.name === "place" ? "api" : "upstream" });
      sendNow();
      return true;
    },

    /** Whether a command with this Idempotency-Key was answered before, and with which body. */
    async remembered(id: string, memory: Memory): Promise<"no" | "same" | "other body"> {
      const { value } = await store.get<{ body: string }>(commandRow(id, memory).key);
      if (!value) return "no";
      return value.body === memory.body ? "same" : "other body";
    },

    /** A command that changed nothing was answered too. */
    async remember(id: string, memory: Memory): Promise<"no" | "same" | "other body"> {
      const { key, value } = commandRow(id, memory);
      return (await store.insert(key, value)) ? "same" : this.remembered(id, memory);
    },

    /**
     * Every change goes through here: load, decide, commit; a repeat of `commandId` changes nothing. The order itself
     * remembers its latest ids only, so what a client relies on has a row of its own.
     */
    apply(id: string, commandId: string, command: Command, at: At, memory?: Memory): Promise<Outcome> {
      return update<Order, Outcome>(key(id), commandId, (order, seen) => {
        if (!order) return { reply: { kind: "unknown" } };
        const trace_id = at.trace_id ?? (order.traceparent ? traceIdOf(order.traceparent) : null);
        const decision: Decision = seen ? { kind: "unchanged" } : decide(order, command, { ...at, trace_id });
        if (decision.kind !== "changed") return { reply: { ...decision, order } };
        return {
          reply: { kind: "changed", order: decision.order },
          next: decision.order,
          messages: messages(decision),
          stored: () => countChange(order, decision.order, decision.entry),
          rows: [
            historyRow(id, decision.entry),
            ...(memory ? [commandRow(id, memory)] : []),
            ...(beginsSaga(decision, at) ? [outbox.callOff(sagaRow(id))] : []),
          ],
        };
      });
    },

    /** Newest first, after the cursor, or oldest first from an offset. */
    async page(filter: { user_id?: string; status?: string }, { offset, ...page }: From) {
      const { limit, cursor } = page;
      const where = ["starts_with(key, 'order:')", "NOT value ? 'deleted_at'"];
      const params: string[] = [];
      const bind = (value: string) => `$${params.push(value)}`;
      if (filter.user_id) where.push(`value->>'user_id' = ${bind(filter.user_id)}`);
      if (filter.status) where.push(`value->>'status' = ${bind(filter.status)}`);
      if (cursor) {
        const [createdAt, last] = startOf("orders", cursor, 2) as [string, string];
        where.push(`(value->>'created_at', key) < (${bind(createdAt)}, ${bind(last)})`);
      }
      const direction = offset === undefined ? "DESC" : "ASC";
      const rows = await sql.query<[Order]>(
        `SELECT value FROM state WHERE ${where.join(" AND ")}
         ORDER BY value->>'created_at' ${direction}, key ${direction} LIMIT ${limit + 1} OFFSET ${offset ?? 0}`,
        ...params,
      );
      const found = pageOf("orders", rows, page, (last) => [last.created_at, key(last.id)]);
      return offset === undefined ? found : { items: found.items, next_cursor: null };
    },

    /** By sequence number, after the cursor. */
    async timeline(orderId: string, page: PageQuery) {
      const { limit, cursor } = page;
      const [after] = cursor ? (startOf("timeline", cursor, 1) as [string]) : ["0"];
      if (!/^\d{1,15}$/.test(after)) throw badCursor();
      const rows = await sql.query<[TimelineEntry & { order_id?: string }]>(
        `SELECT value FROM state WHERE starts_with(key, 'history:') AND value->>'order_id' = $1
         AND (value->>'seq')::bigint > ${after} ORDER BY (value->>'seq')::bigint LIMIT ${limit + 1}`,
        orderId,
      );
      const { items, ...cursors } = pageOf("timeline", rows, page, (last) => [String(last.seq)]);
      return { items: items.map(({ order_id, ...entry }) => entry), ...cursors };
    },

    /** Past their time to pay and not brought to an end, or cancelled and not all given back; untouched for a while. */
    async overdue(now: number): Promise<Order[]> {
      const late = `value->>'status' IN ('payment_required', 'payment_failed', 'paid') AND value->>'pay_by' < $1`;
      const rows = await sql.query<[Order]>(
        `SELECT value FROM state WHERE starts_with(key, 'order:') AND value->>'updated_at' < $1
         AND (${late} OR ${givingBack}) ORDER BY random() LIMIT 20`,
        new Date(now - aWhile).toISOString(),
      );
      return rows.map(([order]) => order);
    },

    /** What each of these orders' histories has after a sequence number, at most 100 entries of each at once. */
    async entriesAfter(asked: { order_id: string; seq: number }[]): Promise<Map<string, TimelineEntry[]>> {
      const rows = await sql.query<[TimelineEntry & { order_id: string }]>(
        `SELECT entry.value FROM jsonb_to_recordset($1::text::jsonb) AS asked(order_id text, seq bigint),
           LATERAL (SELECT value FROM state WHERE starts_with(key, 'history:') AND value->>'order_id' = asked.order_id
                    AND (value->>'seq')::bigint > asked.seq ORDER BY (value->>'seq')::bigint LIMIT 100) AS entry`,
        JSON.stringify(asked),
      );
      const found = new Map<string, TimelineEntry[]>();
      for (const [{ order_id, ...entry }] of rows) found.set(order_id, [...(found.get(order_id) ?? []), entry]);
      return found;
    },
  };
}
