import { type Client, must } from "../client/client.js";
import type { OrderView } from "../contracts/order.js";
import type { BrokerName } from "../tools/broker.js";
import { type Other, other } from "../tools/demo-client.js";
import { unhandled } from "../tools/kafka-topics.js";
import { redis } from "../tools/redis-client.js";
import { pause, type Say } from "../tools/say.js";
import type { Diary } from "./customer.js";
import type { Inflicted } from "./faults.js";
import { type Books, type Entry, type Facts, outliving, type Statement } from "./verdict.js";

/** Who is asked: staff and an admin at the API, the sidecars for SQL, the provider. `port` moves one of dapr.yaml. */
export type Witnesses = {
  staff: Client;
  admin: Client;
  anyone: Client;
  port: (inFile: number) => number;
  sidecar: (app: string, inFile: number) => Other;
  broker: BrokerName;
};

const sidecars = { order: 3502, payment: 3504, notification: 3505, inventory: 3506 };
type Service = keyof typeof sidecars;

const at = (port: number) => other(`http://127.0.0.1:${port}`);

/** SQL on a service's own state table. The binding takes a broken read for no rows, so there is always one. */
async function sql<T>({ sidecar }: Witnesses, service: Service, select: string): Promise<T> {
  const statement = `SELECT coalesce(jsonb_agg(found.one), '[]') FROM (${select}) AS found(one)`;
  const asked = { operation: "query", metadata: { sql: statement } };
  const rows = await sidecar(service, sidecars[service])<[[T]] | null>(`/v1.0/bindings/${service}-sql`, asked);
  if (!rows?.[0]) throw new Error(`${service} did not say: ${select}`);
  return rows[0][0];
}

const count = async (asked: Witnesses, service: Service, where: string, table = "state"): Promise<number> =>
  (await sql<number[]>(asked, service, `SELECT count(*) FROM ${table} WHERE ${where}`))[0]!;

const restless = `starts_with(key, 'order:') AND NOT (
  value->>'status' IN ('processing', 'shipped', 'delivered') OR value->>'status' = 'cancelled'
  AND value->>'released_at' IS NOT NULL AND value#>>'{payment,status}' <> 'pending'
  AND NOT value->'refunds' @? '$[*] ? (@.status != "done")')`;

/** Messages that consumers have not acknowledged or not even read. */
async function underway({ port, broker }: Witnesses): Promise<number> {
  if (broker === "kafka") return unhandled(process.env.KAFKA_BROKERS ?? `127.0.0.1:${port(9092)}`);
  const ask = (...command: string[]) => redis(port(6379), command);
  const streams = (await ask("KEYS", "*s.*")) as string[];
  const groups = await Promise.all(streams.map(async (stream) => (await ask("XINFO", "GROUPS", stream)) as string[][]));
  const field = (group: string[], name: string) => Number(group[group.indexOf(name) + 1] ?? 0);
  return groups.flat().reduce((sum, group) => sum + field(group, "pending") + field(group, "lag"), 0);
}

/** Waits until nothing is left to do; after `patienceMs` it says what is, and the verdict will name it. */
export async function settle(asked: Witnesses, patienceMs: number, say: Say): Promise<void> {
  for (const end = Date.now() + patienceMs; ; await pause(2_000)) {
    const left = await Promise.all([
      count(asked, "order", restless),
      ...(["order", "payment", "inventory"] as const).map((service) =>
        count(asked, service, "(starts_with(key, 'outbox:') OR starts_with(key, 'early:'))"),
      ),
      underway(asked),
      count(asked, "order", "key LIKE '%||inbox-000000'", "workflow_state"),
    ]).catch((error: Error) => error);
    const open =
      left instanceof Error
        ? left.message
        : `${left[0]} orders, ${left[1]! + left[2]! + left[3]!} outbox and early rows, ${left[4]} messages, ${left[5]} sagas`;
    if (!(left instanceof Error) && left.every((rows) => rows === 0)) return;
    if (Date.now() > end) return say(`Not at rest: ${open}.`);
    say(`Waiting for ${open} …`);
  }
}

async function allOrders({ staff }: Witnesses): Promise<OrderView[]> {
  const orders: OrderView[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await must(staff.orders({ query: { limit: 100, ...(cursor && { cursor }) } }));
    orders.push(...page.items);
    cursor = page.next_cursor;
  }
  return orders;
}

async function historyOf(asked: Witnesses): Promise<Map<string, Entry[]>> {
  const fields = ["seq", "at", "kind", "name", "status", "order_id"].map((name) => `'${name}', value->'${name}'`);
  const rows = await sql<(Entry & { order_id: string })[]>(
    asked,
    "order",
    `SELECT jsonb_build_object(${fields}) FROM state WHERE starts_with(key, 'history:')
     ORDER BY value->>'order_id', (value->>'seq')::bigint`,
  );
  const history = new Map<string, Entry[]>();
  for (const { order_id, ...entry } of rows) history.set(order_id, [...(history.get(order_id) ?? []), entry]);
  return history;
}

type Sagas = Facts["sagas"];

/** Each instance is asked for by its id: what a workflow's row says is not for SQL. */
async function sagasOf(asked: Witnesses): Promise<Sagas> {
  const ids = await sql<string[]>(
    asked,
    "order",
    "SELECT DISTINCT to_jsonb(split_part(key, '||', 3)) FROM workflow_state WHERE key LIKE '%.workflow||%'",
  );
  return statesOf(asked, ids);
}

async function statesOf(witnesses: Witnesses, ids: string[]): Promise<Sagas> {
  const sidecar = witnesses.sidecar("order", sidecars.order);
  const left = [...ids];
  const states: Sagas = new Map();
  const lane = async () => {
    for (let id = left.pop(); id; id = left.pop()) states.set(id, await stateOf(id));
  };
  // Dapr 1.18.2 fails now and then when it is asked for many at once: what it says again and again counts.
  const stateOf = async (id: string, tries = 1): Promise<string> => {
    const asked = sidecar<{ runtimeStatus: string }>(`/v1.0/workflows/dapr/${id}`);
    const answer = await asked.catch((error: Error) => error);
    if (!(answer instanceof Error)) return answer.runtimeStatus;
    if (tries === 5) return answer.message.includes("missing from state store") ? "LOST" : answer.message;
    await pause(1_000);
    return stateOf(id, tries + 1);
  };
  await Promise.all(Array.from({ length: 10 }, lane));
  return states;
}

/** A saga hears a moment later that its order is over. */
async function ended(asked: Witnesses, facts: Facts): Promise<Facts> {
  for (const end = Date.now() + 20_000; Date.now() < end && outliving(facts).length > 0; await pause(1_000))
    for (const [id, state] of await statesOf(asked, outliving(facts))) facts.sagas.set(id, state);
  return facts;
}

async function reconciliation({ admin }: Witnesses) {
  const since = new Date().toISOString();
  for (const end = Date.now() + 60_000; Date.now() < end; await pause(300)) {
    const run = await must(admin.reconciliation());
    if (run.state === "done" && run.scope === "all" && (run.started_at ?? "") >= since) return run.findings;
    if (run.state !== "running") await must(admin.reconcile());
  }
  throw new Error("no reconciliation came to its end within a minute");
}

async function stockNow({ anyone }: Witnesses, initial: Map<string, number>): Promise<Books[]> {
  return Promise.all(
    [...initial].map(async ([product_id, initial]) => {
      return { initial, ...(await must(anyone.stock({ params: { product_id } }))) };
    }),
  );
}

async function heard(asked: Witnesses): Promise<Map<string, number>> {
  const rows = await sql<[string, number][]>(
    asked,
    "notification",
    `SELECT jsonb_build_array(value->>'order_id' || ' ' || (value->>'topic'), count(*)) FROM state
     WHERE starts_with(key, 'notification:') GROUP BY value->>'order_id' || ' ' || (value->>'topic')`,
  );
  return new Map(rows);
}

/** All that the verdict is about, as it is now. */
export async function collect(
  asked: Witnesses,
  { keys, acknowledged, strange }: Diary,
  faults: Inflicted[],
  initial: Map<string, number>,
): Promise<Facts> {
  const unsaid = (["order", "payment", "inventory"] as const).map(
    async (service) => [service, await count(asked, service, "starts_with(key, 'outbox:')")] as const,
  );
  return ended(asked, {
    keys,
    acknowledged,
    strange,
    faults,
    orders: await allOrders(asked),
    history: await historyOf(asked),
    statements: await at(asked.port(8090))<Statement[]>("/statements"),
    notifications: await heard(asked),
    stock: await stockNow(asked, initial),
    findings: await reconciliation(asked),
    deadLetters: (await must(asked.admin.deadLetters({ query: { limit: 100 } }))).items,
    sagas: await sagasOf(asked),
    unsaid: Object.fromEntries(await Promise.all(unsaid)),
  });
}
