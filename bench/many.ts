import pg from "pg";
import { inDatabase } from "../tools/databases.js";
import { type Instance, instanceOf } from "../tools/instance.js";
import { serverOf } from "../tools/postgres.js";
import { secretsOf } from "../tools/secrets.js";
import { say } from "./ground.js";

/** Rows are stored so many orders at a time, sorted by key: pages of an index are then met once and not again and again. */
const batch = 100_000;
/** Of so many orders one has left a dead letter. */
const ordersPerDeadLetter = 10;

const time = (offset: string) => `to_char(now() at time zone 'utc' + ${offset}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
const createdAt = time("n * interval '-1 second'");
const userId = `CASE n % 2 WHEN 0 THEN value->>'user_id' ELSE lpad((n % 20000)::text, 8, '0') || '-0000-4000-8000-000000000000' END`;
const status = `CASE WHEN n % 100 < 5 THEN 'shipped' WHEN n % 100 < 8 THEN 'processing' WHEN n % 100 < 9 AND n < 10000 THEN 'payment_required'
  WHEN n % 100 < 20 THEN 'cancelled' ELSE 'delivered' END`;
const owner = `'order_id', id, 'user_id', ${userId}`;

type Copy = { database: string; template: string; key: string; value: string };
/**
 * What the first order has left is copied for order number `n`, whose id is `id`: an order older by a second each. As in
 * life most have ended, only young ones wait for money, and none is overdue. Every other one is the same customer's, the rest belong to 20,000.
 */
const copies: Copy[] = [
  {
    ...{ database: "order", template: "order:", key: "'order:' || id" },
    value: `value || jsonb_build_object('id', id, 'user_id', ${userId}, 'status', ${status}, 'created_at', ${createdAt},
      'updated_at', ${createdAt}, 'released_at', ${createdAt}, 'pay_by', ${time("interval '1 day'")})`,
  },
  ...[1, 2, 3].map((seq) => ({
    ...{ database: "order", template: `history:%:${seq}`, key: `'history:' || id || ':${seq}'` },
    value: "value || jsonb_build_object('order_id', id)",
  })),
  {
    ...{ database: "payment", template: "account:", key: "'account:' || id" },
    value: `value || jsonb_build_object(${owner}, 'payments',
      jsonb_build_array(value->'payments'->0 || jsonb_build_object('payment_id', gen_random_uuid())))`,
  },
  {
    ...{ database: "inventory", template: "hold:", key: "'hold:' || id" },
    value: "value || jsonb_build_object('order_id', id)",
  },
  {
    ...{ database: "notification", template: "notification:", key: "'notification:' || id" },
    value: `value || jsonb_build_object('id', id, ${owner}, 'created_at', ${createdAt})`,
  },
  {
    ...{ database: "payment", template: "account:", key: "'dead-letter:' || encode(sha256(id::bytea), 'hex')" },
    value: `jsonb_build_object('topic', 'orders.created', 'body', value::text, 'reason', 'it is not one of ours',
      'tries', 0, 'at', ${createdAt})`,
  },
];

/** The databases behind a system: `store` brings the number of orders to a size, with all that an order leaves behind. */
export async function manyOrders(portBase: number, dir: string) {
  const instance = instanceOf({ portBase, dir });
  const clients = new Map<string, pg.Client>();
  for (const { database } of copies)
    if (!clients.has(database)) clients.set(database, await connected(instance, database));
  let stored = 1;

  const firsts = new Map<string, object>();
  async function first(database: string, template: string): Promise<object> {
    const find = async () => {
      const { rows } = await clients
        .get(database)!
        .query("SELECT value FROM state WHERE key LIKE $1", [`${template}%`]);
      return rows[0].value as object;
    };
    const value = firsts.get(template) ?? (await find());
    firsts.set(template, value);
    return value;
  }

  async function copy({ database, template, key, value }: Copy, from: number, to: number): Promise<void> {
    const those = key.startsWith("'dead-letter") ? `n % ${ordersPerDeadLetter} = 0` : "true";
    await clients.get(database)!.query(
      `INSERT INTO state (key, value, isbinary)
       SELECT ${key}, ${value}, false
       FROM (SELECT $1::jsonb AS value) AS first,
         (SELECT n, md5('order ' || n)::uuid::text AS id FROM generate_series(${from}, ${to - 1}) AS n WHERE ${those}) AS one
       ORDER BY 1`,
      [await first(database, template)],
    );
  }

  async function store(size: number): Promise<void> {
    const indexes = await Promise.all([...clients.values()].map(withoutIndexes));
    for (; stored < size; stored = Math.min(size, stored + batch)) {
      say(`lists: ${stored.toLocaleString("en")} of ${size.toLocaleString("en")} orders stored …`);
      for (const rows of copies) await copy(rows, stored, Math.min(size, stored + batch));
    }
    say("lists: building indexes …");
    await Promise.all(indexes.map((build) => build()));
  }

  /** Rows of the table that were read without an index so far, by database. */
  async function scanned(): Promise<Record<string, number>> {
    const rows: Record<string, number> = {};
    for (const [database, client] of clients) {
      // What this connection has read itself is counted by now, and not a while later.
      await client.query("SELECT pg_stat_force_next_flush()");
      const found = await client.query("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'state'");
      rows[database] = Number(found.rows[0].seq_tup_read);
    }
    return rows;
  }

  return { store, scanned, close: () => Promise.all([...clients.values()].map((client) => client.end())) };
}

async function connected(instance: Instance, database: string): Promise<pg.Client> {
  const { url, prefix } = serverOf(instance, secretsOf(instance.dir).postgresPassword);
  const client = new pg.Client({ connectionString: inDatabase(url, `${prefix}_${database}`) });
  // The server is stopped under it when a run is interrupted.
  client.on("error", () => {});
  await client.connect();
  await client.query("SET maintenance_work_mem = '512MB'");
  return client;
}

/** Drops the services' own indexes, and gives what builds them again: faster than to fill them row by row. */
async function withoutIndexes(client: pg.Client): Promise<() => Promise<void>> {
  const { rows } = await client.query<{ indexname: string; indexdef: string }>(
    `SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'state' AND indexdef NOT LIKE 'CREATE UNIQUE%'`,
  );
  for (const { indexname } of rows) await client.query(`DROP INDEX ${indexname}`);
  return async () => {
    for (const { indexdef } of rows) await client.query(indexdef);
    await client.query("VACUUM ANALYZE state");
    await client.query("CHECKPOINT");
  };
}
