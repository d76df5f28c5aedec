import pg from "pg";
import { inDatabase } from "../tools/databases.js";
import { type Instance, instanceOf } from "../tools/instance.js";
import { serverOf } from "../tools/postgres.js";
import { secretsOf } from "../tools/secrets.js";

export type Databases = ReturnType<typeof databasesOf>;

/** The databases of a running system, each asked on a connection of its own that stays open until `close`. */
export function databasesOf(which: Pick<Instance, "portBase" | "dir">) {
  const instance = instanceOf(which);
  const { url, prefix } = serverOf(instance, secretsOf(instance.dir).postgresPassword);
  const clients = new Map<string, Promise<pg.Client>>();
  return {
    prefix,
    /** `database` is its owner's name. */
    async ask<Row extends object>(database: string, text: string): Promise<Row[]> {
      const client = clients.get(database) ?? connected(inDatabase(url, `${prefix}_${database}`));
      const asked = client.then((one) => one.query<Row>(text));
      // One after the other: a client is for one question at a time. A refused one is no reason to refuse the next.
      clients.set(
        database,
        asked.catch(() => undefined).then(() => client),
      );
      return (await asked).rows;
    },
    async close(): Promise<void> {
      for (const client of clients.values()) await (await client).end();
    },
  };
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}
