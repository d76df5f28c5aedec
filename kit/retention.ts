import { every, type Loop } from "./every.js";
import type { Logger } from "./log.js";
import type { Sql } from "./sql.js";

/** Rows that are deleted when nobody has written them for so long. `rows` is a condition on key and value, for good. */
export type Kind = { rows: string; seconds: () => number };

export const day = 24 * 60 * 60;
const pause = 60_000;
/** A statement takes so many rows at most, a pass so many statements: what piled up goes in several passes. */
const batch = 500;
const batches = 20;

const written = "coalesce(updatedate, insertdate)";

/** By name, which is also that of the index by which the next rows to go are found. */
type Kinds = Record<string, Kind>;

export const retentionIndexes = (kinds: Kinds): string[] =>
  Object.entries(kinds).map(
    ([name, { rows }]) => `CREATE INDEX IF NOT EXISTS kept_${name} ON state ((${written})) WHERE ${rows}`,
  );

/**
 * Deletes what has had its time, every minute. The condition is looked at again when a row is locked, so one that was
 * written meanwhile stays; replicas pass over each other's rows. `speed`: in tests, rows age so many times faster.
 */
export function retention(sql: Sql, log: Logger, kinds: Kinds, speed: number): Loop {
  const remove = async ({ rows, seconds }: Kind): Promise<number> => {
    const [gone] = await sql.query<[number]>(
      `WITH gone AS (DELETE FROM state WHERE key IN (
         SELECT key FROM state WHERE ${rows} AND ${written} < now() - make_interval(secs => ${seconds() / speed})
         ORDER BY ${written} LIMIT ${batch} FOR UPDATE SKIP LOCKED) RETURNING 1)
       SELECT count(*) FROM gone`,
    );
    return gone?.[0] ?? 0;
  };

  async function pass(): Promise<void> {
    for (const [name, kind] of Object.entries(kinds)) {
      let removed = 0;
      for (let n = 0; n < batches && removed === n * batch; n++) removed += await remove(kind);
      if (removed > 0) log.info({ kind: name, rows: removed }, "rows removed that had had their time");
    }
  }
  return every(Math.max(pause / speed, 1_000), pass, (error) =>
    log.warn({ err: error }, "old rows not removed, tries again"),
  );
}
