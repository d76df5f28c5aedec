import { createHash } from "node:crypto";
import type Router from "@koa/router";
import { ListDeadLetters } from "../contracts/admin.js";
import type { Settings } from "../contracts/settings.js";
import { type Authenticate, mustBeAdmin } from "./auth.js";
import type { Read } from "./gauges.js";
import { isStorable, query } from "./http.js";
import type { Logger } from "./log.js";
import { count } from "./metrics.js";
import { Problem } from "./problem.js";
import { day, type Kind } from "./retention.js";
import { pageOf, type Sql, startOf } from "./sql.js";
import type { Store } from "./state.js";

/** The message is kept as text: what could not be handled may be what no database stores as JSON. */
type Row = { topic: string; body: string; reason: string; tries: number; at: string };

export type Deps = { store: Store; sql: Sql; authenticate: Authenticate; log: Logger };
/** Hands a message to its handler again; gives the reason when it still cannot be handled. */
type Redrive = (topic: string, message: string) => Promise<string | undefined>;
/** Keeps a message that cannot be handled. */
export type SetAside = (topic: string, message: string, reason: string) => Promise<void>;

const prefix = "dead-letter:";

export const deadLetterIndex = `CREATE INDEX IF NOT EXISTS dead_letters ON state ((value->>'at'), key)
  WHERE starts_with(key, '${prefix}')`;

/** A message that was looked at again without success stays for as long once more. */
export const oldDeadLetters = (terms: () => Pick<Settings, "keep_dead_letters_days">): Kind => ({
  rows: `starts_with(key, '${prefix}')`,
  seconds: () => terms().keep_dead_letters_days * day,
});

export const deadLettersWaiting =
  (sql: Sql): Read =>
  async () => {
    const [value = 0] = await sql.sure<number>(
      `SELECT to_jsonb(count(*)) FROM state WHERE starts_with(key, '${prefix}')`,
    );
    return [{ name: "dead_letters.waiting", value, attributes: {} }];
  };

/** Hexadecimal: every database and the gateway sort it alike. */
export const digestOf = (topic: string, message: string): string =>
  createHash("sha256").update(`${topic} ${message}`).digest("hex");

/** What this consumer could not handle: kept in its own store, shown to admins, re-driven or discarded by them. */
export function deadLetters(
  router: Router,
  app: string,
  redrive: Redrive,
  { store, sql, authenticate, log }: Deps,
): SetAside {
  const path = "/admin/dead-letters";

  /** Newest first, after the cursor, which may be another consumer's: the gateway merges the lists. */
  router.get(path, async (ctx) => {
    mustBeAdmin(await authenticate(ctx));
    const page = query(ctx, ListDeadLetters);
    const { limit, cursor } = page;
    const position = cursor === undefined ? [] : startOf("dead-letters", cursor, 3);
    const rows = await sql.sure<Omit<Row, "body"> & { id: string }>(
      `SELECT value - 'body' || jsonb_build_object('id', substr(key, ${prefix.length + 1}), 'service', '${app}')
       FROM state WHERE starts_with(key, '${prefix}')
       ${position.length > 0 ? `AND (value->>'at', key, '${app}') < ($1, '${prefix}' || $2, $3)` : ""}
       ORDER BY value->>'at' DESC, key DESC LIMIT ${limit + 1}`,
      ...position,
    );
    ctx.body = pageOf(
      "dead-letters",
      rows.map((row) => [row]),
      page,
      ({ at, id }) => [at, id, app],
    );
  });

  async function found(id: string) {
    const { value, etag } = await store.get<Row>(prefix + id);
    if (!value) throw new Problem(404, "there is no such dead letter");
    return { row: value, etag };
  }

  router.get(`${path}/${app}/:id`, async (ctx) => {
    mustBeAdmin(await authenticate(ctx));
    const { id } = ctx.params as { id: string };
    ctx.body = { ...(await found(id)).row, id, service: app };
  });

  router.delete(`${path}/${app}/:id`, async (ctx) => {
    const who = await authenticate(ctx);
    mustBeAdmin(who);
    const { id } = ctx.params as { id: string };
    const { topic } = (await found(id)).row;
    await store.remove(prefix + id);
    log.info({ topic, dead_letter: id, actor: who.sub }, "dead letter discarded");
    ctx.status = 204;
  });

  /** The handler's inbox makes the effect happen once; so two re-drives at once need no lock. */
  router.post(`${path}/${app}/:id/redrive`, async (ctx) => {
    const who = await authenticate(ctx);
    mustBeAdmin(who);
    const { id } = ctx.params as { id: string };
    const { row, etag } = await found(id);
    const reason = await redrive(row.topic, row.body);
    if (reason !== undefined) {
      await store.transact([{ key: prefix + id, value: { ...row, reason, tries: row.tries + 1 }, etag }]);
      throw new Problem(409, reason);
    }
    await store.remove(prefix + id);
    log.info({ topic: row.topic, dead_letter: id, actor: who.sub }, "dead letter re-driven");
    ctx.status = 204;
  });

  /** Keeps a message; the same one is one row, however often it comes. */
  return async (topic, message, reason) => {
    log.error({ topic, reason }, "dead letter");
    const id = digestOf(topic, message);
    const body = isStorable(message) ? message : JSON.stringify(message);
    const row: Row = { topic, body, reason, tries: 0, at: new Date().toISOString() };
    if (await store.insert(prefix + id, row)) count("dead_letters.stored", { "messaging.destination.name": topic });
  };
}
