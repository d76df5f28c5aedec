import type { Dapr } from "./dapr.js";
import { Unavailable } from "./problem.js";

export type Found<T> = { value: T; etag: string } | { value: undefined; etag: undefined };
export type Write = { key: string; value: object; etag?: string | undefined; insert?: boolean };
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

export type Store = ReturnType<typeof stateStore>;

/**
 * A service's own state store. Every write is guarded: with the etag it was read with, or as an insert.
 * Rows that nobody else writes (history, outbox: their keys are new) need no guard.
 */
export function stateStore(dapr: Dapr, name: string) {
  const base = `/v1.0/state/${name}`;

  const toOperation = ({ key, value, etag, insert }: Write) => ({
    operation: "upsert",
    request: {
      key,
      value,
      ...(etag && { etag }),
      ...((etag || insert) && { options: { concurrency: "first-write" } }),
    },
  });

  return {
    async get<T>(key: string): Promise<Found<T>> {
      const answer = await dapr.must(name, "GET", `${base}/${encodeURIComponent(key)}`);
      if (answer.status === 204 || !answer.etag) return { value: undefined, etag: undefined };
      return { value: JSON.parse(answer.text) as T, etag: answer.etag.replaceAll('"', "") };
    },

    /**
     * Those of the keys that exist. Whoever acts on absence must ask for it to be made `sure`: the bulk read of this
     * component takes a connection that breaks for the end of the rows.
     */
    async getMany<T>(keys: string[], sure: (key: string) => boolean): Promise<Map<string, Found<T>>> {
      const answer = await dapr.must(name, "POST", `${base}/bulk`, { keys });
      const rows = JSON.parse(answer.text) as { key: string; data?: T; etag?: string; error?: string }[];
      const failed = rows.find((row) => row.error);
      if (failed) throw new Unavailable(name, new Error(failed.error));
      const found = new Map<string, Found<T>>(
        rows
          .filter((row) => row.etag)
          .map((row) => [row.key, { value: row.data as T, etag: (row.etag as string).replaceAll('"', "") }]),
      );
      for (const key of keys.filter((key) => !found.has(key) && sure(key))) {
        const row = await this.get<T>(key);
        if (row.etag) found.set(key, row);
      }
      return found;
    },

    /**
     * All or nothing. False means: refused, or not known; the caller reads again and finds out, whatever the
     * error said, because an answer can be lost where the commit was not.
     */
    async transact(writes: Write[]): Promise<boolean> {
      const answer = await dapr
        .call("POST", `${base}/transaction`, { operations: writes.map(toOperation) })
        .catch(() => undefined);
      return answer !== undefined && answer.status < 300;
    },

    async remove(key: string): Promise<void> {
      await dapr.must(name, "DELETE", `${base}/${encodeURIComponent(key)}`);
    },

    /** False when the key exists already. */
    async insert(key: string, value: object): Promise<boolean> {
      const write = { key, value, options: { concurrency: "first-write" } };
      const answer = await dapr.call("POST", base, [write]);
      if (answer.status < 300) return true;
      if ((await this.get(key)).value !== undefined) return false;
      throw new Unavailable(name, new Error(answer.text));
    },
  };
}
