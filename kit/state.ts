import { batched } from "./batch.js";
import { committer, type Write } from "./commit.js";
import type { Dapr } from "./dapr.js";
import { Unavailable } from "./problem.js";

export type Found<T> = { value: T; etag: string } | { value: undefined; etag: undefined };

/**
 * Tries a guarded write until it is known to be stored: whoever else writes, or an answer that is lost, means read and
 * decide again, soon and then later. `attempt` gives its reply, or undefined for another try.
 */
export async function untilStored<T>(attempt: (tries: number) => Promise<{ reply: T } | undefined>): Promise<T> {
  for (let tries = 0; tries < 10; tries++) {
    if (tries > 0) await new Promise((resume) => setTimeout(resume, Math.random() * 20 * 2 ** Math.min(tries, 6)));
    const done = await attempt(tries);
    if (done) return done.reply;
  }
  throw new Unavailable("the state store");
}

/** Whoever commits several takes their rows in the same order: two that wait for each other would both fail. */
const inOrder = (transactions: Write[][]): Write[][] =>
  [...transactions].sort(([a], [b]) => ((a?.key ?? "") < (b?.key ?? "") ? -1 : 1));

export type Store = ReturnType<typeof stateStore>;

/** Rows that are read, and transactions that are committed, in one round trip at most. */
const rowsAtOnce = { most: 100, lanes: 2 };
const transactionsAtOnce = { most: 32, lanes: 2 };

/**
 * A service's own state store. Every write is guarded: with the etag it was read with, or as an insert.
 * Rows that nobody else writes (history, outbox: their keys are new) need no guard.
 */
export function stateStore(dapr: Dapr, app: string) {
  const name = `${app}-state`;
  const base = `/v1.0/state/${name}`;
  const commit = committer(dapr, app);

  async function one(key: string): Promise<Found<unknown>> {
    const answer = await dapr.must(name, "GET", `${base}/${encodeURIComponent(key)}`);
    if (answer.status === 204 || !answer.etag) return { value: undefined, etag: undefined };
    return { value: JSON.parse(answer.text), etag: answer.etag.replaceAll('"', "") };
  }

  /** Those of the keys that were found: the bulk read of this component takes a connection that breaks for the end. */
  async function many(keys: string[]): Promise<Map<string, Found<unknown>>> {
    const answer = await dapr.must(name, "POST", `${base}/bulk`, { keys });
    const rows = JSON.parse(answer.text) as { key: string; data?: unknown; etag?: string; error?: string }[];
    const failed = rows.find((row) => row.error);
    if (failed) throw new Unavailable(name, new Error(failed.error));
    const there = rows.filter((row): row is typeof row & { etag: string } => Boolean(row.etag));
    return new Map(there.map(({ key, data, etag }) => [key, { value: data, etag: etag.replaceAll('"', "") }]));
  }

  /** What many ask for at the same time is read at once; absence is made sure of. */
  const read = batched<string, Found<unknown>>(rowsAtOnce, async (keys) => {
    const [first] = keys as [string];
    if (keys.length === 1) return [await one(first)];
    const found = await many([...new Set(keys)]);
    return Promise.all(keys.map((key) => found.get(key) ?? one(key)));
  });

  /** One commit for all that wait for one. When it is refused each has to be tried by itself: who stood in the way? */
  const commitTogether = batched<Write[], boolean>(transactionsAtOnce, async (transactions) => {
    const together = await commit(inOrder(transactions).flat());
    if (together !== false || transactions.length === 1) return transactions.map(() => together ?? false);
    return Promise.all(transactions.map(async (writes) => (await commit(writes)) ?? false));
  });

  return {
    get: <T>(key: string) => read(key) as Promise<Found<T>>,

    /** Those of the keys that exist. Whoever acts on absence must ask for it to be made `sure`. */
    async getMany<T>(keys: string[], sure: (key: string) => boolean): Promise<Map<string, Found<T>>> {
      const found = (await many(keys)) as Map<string, Found<T>>;
      for (const key of keys.filter((key) => !found.has(key) && sure(key))) {
        const row = (await one(key)) as Found<T>;
        if (row.etag) found.set(key, row);
      }
      return found;
    },

    /**
     * All or nothing. False means: refused, or not known; the caller reads again and finds out, whatever the
     * error said, because an answer can be lost where the commit was not.
     */
    transact: commitTogether,

    async remove(key: string): Promise<void> {
      await dapr.must(name, "DELETE", `${base}/${encodeURIComponent(key)}`);
    },

    /** False when the key exists already. */
    async insert(key: string, value: object): Promise<boolean> {
      if (await commitTogether([{ key, value, insert: true }])) return true;
      if ((await one(key)).value !== undefined) return false;
      throw new Unavailable(name);
    },
  };
}
