import pg from "pg";

/** The owner of each database is one service; no connection string reaches another. */
export const databases = ["product", "order", "user", "payment", "notification", "inventory", "configuration"] as const;

/** A PostgreSQL server, and what the names of our databases there begin with. */
export type Server = { url: string; prefix: string };

export async function accepts(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query("select 1");
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

/** Makes what is missing of the databases and settings; gives the connection strings by the name their sidecars ask for. */
export async function prepareDatabases(
  { url, prefix }: Server,
  settings: Record<string, string>,
): Promise<Record<string, string>> {
  await connected(url, async (client) => {
    const { rows } = await client.query<{ datname: string }>("select datname from pg_database");
    const there = new Set(rows.map(({ datname }) => datname));
    for (const name of databases.map((database) => `${prefix}_${database}`)) {
      if (!there.has(name)) await client.query(`create database "${name}"`);
    }
  });
  await connected(configurationOf({ url, prefix }), (client) => saveSettings(client, settings));
  return Object.fromEntries(
    databases.map((name) => [`${name.toUpperCase()}_DATABASE`, inDatabase(url, `${prefix}_${name}`)]),
  );
}

async function saveSettings(client: pg.Client, settings: Record<string, string>): Promise<void> {
  await client.query(
    "create table if not exists configuration (key varchar not null, value varchar not null, version varchar not null, metadata json)",
  );
  await client.query("create unique index if not exists configuration_key on configuration (key)");
  for (const [key, value] of Object.entries(settings)) {
    await client.query("insert into configuration values ($1, $2, '1', '{}') on conflict do nothing", [key, value]);
  }
}

/** What the configuration store has, by key. */
export function readSettings(server: Server): Promise<Record<string, string>> {
  return connected(configurationOf(server), async (client) => {
    const { rows } = await client.query<{ key: string; value: string }>("select key, value from configuration");
    return Object.fromEntries(rows.map(({ key, value }) => [key, value]));
  });
}

export function saveSetting(server: Server, key: string, value: string): Promise<void> {
  return connected(configurationOf(server), async (client) => {
    await client.query(
      `insert into configuration values ($1, $2, '1', '{}')
       on conflict (key) do update set value = $2, version = configuration.version::int + 1`,
      [key, value],
    );
  });
}

const configurationOf = ({ url, prefix }: Server) => inDatabase(url, `${prefix}_configuration`);

/** Deletes the instance's databases from a server that is not ours. */
export async function dropDatabases({ url, prefix }: Server): Promise<void> {
  await connected(url, async (client) => {
    for (const name of databases) await client.query(`drop database if exists "${prefix}_${name}" with (force)`);
  });
}

async function connected<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

export function inDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  if (!changed.searchParams.has("sslmode")) changed.searchParams.set("sslmode", "disable");
  return changed.href;
}
