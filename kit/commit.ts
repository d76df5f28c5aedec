import type { Dapr } from "./dapr.js";
import { fault } from "./faults.js";

/** A row that is put there; with `etag`: only if it is as it was read, with `insert`: only if there is none. Or one that goes. */
export type Write =
  | { key: string; value: object; etag?: string | undefined; insert?: boolean }
  | { key: string; remove: true };

/**
 * All of the writes or none, in one round trip: the store's own transactions send a statement for each row and wait for
 * each. Rows and guards are the store's: its etags are `xmin`. A row that is not as it was read makes the last line fail.
 * Rows with a guard come first: who changes a row and who believes it new would else each hold what the other needs next.
 */
const statementOf = (locks: { first: string; held: string }) => `
WITH writes AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset($1::text::jsonb) AS w(kind text, key text, value jsonb, etag text)
)${locks.first}, changed AS (
  UPDATE state SET value = w.value, updatedate = now() FROM writes w
  WHERE w.kind = 'change' AND state.key = w.key AND state.xmin = w.etag::xid ${locks.held} RETURNING 1
), inserted AS (
  INSERT INTO state (key, value, isbinary) SELECT key, value, false FROM writes WHERE kind = 'insert' RETURNING 1
), guarded AS MATERIALIZED (
  SELECT (SELECT count(*) FROM changed) + (SELECT count(*) FROM inserted) =
         (SELECT count(*) FROM writes WHERE kind IN ('change', 'insert')) AS held
), put AS (
  INSERT INTO state (key, value, isbinary) SELECT key, value, false FROM writes, guarded WHERE held AND kind = 'put'
  ON CONFLICT (key) DO UPDATE SET value = excluded.value, updatedate = now()
), removed AS (
  DELETE FROM state USING writes w, guarded WHERE held AND w.kind = 'remove' AND state.key = w.key
)
SELECT 1 / held::int FROM guarded`;

const ofOne = statementOf({ first: "", held: "" });
/** An update takes its rows in any order: two commits that change the same ones would wait for each other for ever. */
const ofSeveral = statementOf({
  first: `, locked AS MATERIALIZED (
  SELECT state.key FROM state JOIN writes USING (key) WHERE kind = 'change' ORDER BY key FOR UPDATE OF state
)`,
  held: "AND state.key IN (SELECT key FROM locked)",
});

function rowOf(write: Write) {
  const { key } = write;
  if ("remove" in write) return { kind: "remove", key };
  const { value, etag, insert } = write;
  if (etag) return { kind: "change", key, value, etag };
  return { kind: insert ? "insert" : "put", key, value };
}

/** Commits to the table behind a service's state store. True: done. False: refused. Undefined: not known. */
export function committer(dapr: Dapr, app: string) {
  return async (writes: Write[]): Promise<boolean | undefined> => {
    const rows = writes.map(rowOf);
    const sql = rows.filter(({ kind }) => kind === "change").length > 1 ? ofSeveral : ofOne;
    const metadata = { sql, params: JSON.stringify([JSON.stringify(rows)]) };
    try {
      await fault("before-commit", writes);
      const { status } = await dapr.call("POST", `/v1.0/bindings/${app}-sql`, { operation: "exec", metadata });
      await fault("after-commit", writes);
      return status < 300;
    } catch {
      return undefined;
    }
  };
}
