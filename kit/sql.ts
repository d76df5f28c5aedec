import type { PageQuery } from "../contracts/common.js";
import type { Dapr } from "./dapr.js";
import { isStorable } from "./http.js";
import { Problem, Unavailable } from "./problem.js";

export type Sql = ReturnType<typeof sqlBinding>;

/**
 * Pages, sweeps and indexes on the table behind the service's state store. Parameters travel as JSON; rows come
 * back as arrays. An error while rows are read looks like no rows to this binding, so nothing here may depend on one.
 */
export function sqlBinding(dapr: Dapr, app: string) {
  const name = `${app}-sql`;
  const run = (operation: "query" | "exec", sql: string, params: unknown[]) =>
    dapr.must(name, "POST", `/v1.0/bindings/${name}`, { operation, metadata: { sql, params: JSON.stringify(params) } });

  return {
    async query<Row extends unknown[]>(sql: string, ...params: unknown[]): Promise<Row[]> {
      const { text } = await run("query", sql, params);
      return text === "" || text === "null" ? [] : (JSON.parse(text) as Row[]);
    },
    /**
     * The same where absence counts: `sql` selects one column of JSON, and its rows come in one row that is always
     * there. Without it something failed.
     */
    async sure<T>(sql: string, ...params: unknown[]): Promise<T[]> {
      const [row] = await this.query<[T[]]>(
        `SELECT coalesce(jsonb_agg(found.one), '[]') FROM (${sql}) AS found(one)`,
        ...params,
      );
      if (!row) throw new Unavailable(name);
      return row[0];
    },
    /** The values of those of the keys that exist. */
    values<T>(keys: string[]): Promise<T[]> {
      return this.sure<T>(
        "SELECT value FROM state WHERE key = ANY(ARRAY(SELECT jsonb_array_elements_text($1::text::jsonb)))",
        JSON.stringify(keys),
      );
    },
    async exec(sql: string, ...params: unknown[]): Promise<void> {
      await run("exec", sql, params);
    },
    /** Indexes are made at start; two replicas that make the same one at once may trip each other: once more, then. */
    async prepare(statements: string[]): Promise<void> {
      for (const statement of statements) {
        for (let tries = 1; ; tries++) {
          try {
            await run("exec", statement, []);
            break;
          } catch (error) {
            if (tries === 10) throw new Unavailable(name, error);
            await new Promise((resume) => setTimeout(resume, 100 * tries));
          }
        }
      }
    },
  };
}

/** Keyset cursors: the list, and what the last row sorted by; opaque to clients. */
export const cursorOf = (list: string, ...position: (string | number)[]): string =>
  Buffer.from(JSON.stringify([list, ...position])).toString("base64url");

type Position<T> = (item: T) => (string | number)[];

/** A page of `limit` out of rows that were asked for with one more, to see whether there is a next. */
export function pageOf<T>(list: string, rows: [T][], { limit, cursors }: PageQuery, position: Position<T>) {
  const items = rows.slice(0, limit).map(([item]) => item);
  const after = (item: T) => cursorOf(list, ...position(item));
  const last = items.at(-1);
  const next_cursor = rows.length > limit && last ? after(last) : null;
  return { items, next_cursor, ...(cursors && { cursors: items.map(after) }) };
}

/** undefined when the text is no cursor of this list, whose positions have so many strings. */
export function positionOf(list: string, cursor: string, length: number): string[] | undefined {
  try {
    const [of, ...position] = JSON.parse(Buffer.from(cursor, "base64url").toString()) as unknown[];
    const right = of === list && position.length === length && position.every((p) => p && typeof p === "string");
    return right && isStorable(position) ? (position as string[]) : undefined;
  } catch {
    return undefined;
  }
}

/** The position that a client's cursor names; 400 when it is none of this list's. */
export function startOf(list: string, cursor: string, length: number): string[] {
  const position = positionOf(list, cursor, length);
  if (!position) throw badCursor();
  return position;
}

export const badCursor = () => new Problem(400, "the cursor is not one of ours");
