import { randomUUID } from "node:crypto";
import { committer, type Write } from "../kit/commit.js";
import { connect } from "../kit/dapr.js";
import { sagaName } from "../services/order/saga.js";
import { redis } from "../tools/redis-client.js";
import { pause } from "../tools/say.js";
import { tokensOf } from "../tools/secrets.js";
import { rounded, sumOf } from "./figures.js";
import { type Ground, type Options, onSystem, say, show, tell, untilQuiet } from "./ground.js";
import { warmedUp } from "./loaded.js";
import { peer, prepare } from "./shapes.js";
import { table } from "./table.js";
import { cpuOf } from "./usage.js";

const atOnce = 16;
const together = 20;

/** One thing that an order's way is made of; `times`: how many of it one call is. */
type Part = { name: string; times: number; call: (n: number) => Promise<unknown> };
type Cost = { suite: "parts"; part: string; cpu_ms: number; calls: number; cpu_by_process: Record<string, number> };

/**
 * What Dapr, PostgreSQL and Redis take for each of the things an order is made of, asked of the order service's sidecar
 * without the order service: CPU of all servers. Their sum is the floor under which no saga of this shape can come.
 */
export async function measureParts(options: Options): Promise<void> {
  say("parts: starting the saga's services …");
  const { apps, appEnv } = peer;
  const costs = await onSystem(options, { apps, appEnv }, async (ground) => {
    await warmedUp(await prepare(peer, ground));
    const parts = await partsOf(ground);
    for (const part of parts) await repeated(part, options.quick ? 40 : 400);
    const all: Cost[] = [];
    for (const part of parts) {
      await untilQuiet(options);
      const calls = Math.ceil((options.quick ? 200 : 3_000) / part.times);
      say(`parts: ${calls} × ${part.name} …`);
      const cost = await measured(part, calls, ground);
      tell(options, cost);
      all.push(cost);
    }
    return all;
  });
  show(options, tableOf(costs));
}

async function partsOf({ portBase, dir }: Ground): Promise<Part[]> {
  const offset = portBase - 8080;
  const sidecarOf = (app: string, port: number) =>
    connect({ DAPR_HTTP_PORT: port + offset, DAPR_API_TOKEN: tokensOf(dir, app).api });
  const dapr = sidecarOf("order", 3502);
  const payment = sidecarOf("payment", 3504);
  const store = "/v1.0/state/order-state";
  // About as large as an order.
  const value = { id: randomUUID(), text: "x".repeat(1_500) };
  const upsert = (key: string) => ({ operation: "upsert", request: { key: `bench:${key}`, value } });
  const commitTo = committer(dapr, "order");
  const commit = async (writes: Write[]) => {
    if (!(await commitTo(writes))) throw new Error("refused");
  };
  const writes = (n: number): Write[] => ["a", "b", "c"].map((row) => ({ key: `bench:${n}:${row}`, value }));
  const rows = (n: number) => ["a", "b", "c"].map((row) => upsert(`${n}:${row}`));
  const many = <T>(n: number, one: (n: number) => T): T[] =>
    Array.from({ length: together }, (_, i) => one(n * together + i));
  const keys = (n: number) => many(n, (i) => `bench:${i}:a`);
  const known = { version: 3, phase: "delivering", waiting: false };
  const must = (...request: Parameters<typeof dapr.call>) => dapr.must("bench", ...request);
  // Nobody in this shape listens to that topic.
  const topic = "pubsub/orders.processing";
  const event = () => ({
    id: randomUUID(),
    source: "bench",
    type: "orders.processing",
    specversion: "1.0",
    data: value,
  });
  const type = "application/cloudevents+json";
  const heardOf = "payments.succeeded";
  const [last] = (await redis(6379 + offset, ["XREVRANGE", heardOf, "+", "-", "COUNT", "1"])) as [string, string[]][];
  const heard = JSON.parse(last![1][last![1].indexOf("data") + 1]!);
  const entry = () => ({ entryId: randomUUID(), event: event(), contentType: type });
  return [
    {
      name: "a transaction of three rows",
      times: 1,
      call: (n) => must("POST", `${store}/transaction`, { operations: rows(n) }),
    },
    {
      name: `one of ${together} committed together`,
      times: together,
      call: (n) => must("POST", `${store}/transaction`, { operations: many(n, rows).flat() }),
    },
    { name: "three rows by one statement", times: 1, call: (n) => commit(writes(n)) },
    {
      name: `one of ${together} committed by one statement`,
      times: together,
      call: (n) => commit(many(n, writes).flat()),
    },
    { name: "a row read", times: 1, call: (n) => must("GET", `${store}/bench:${n}:a`) },
    {
      name: `one of ${together} read together`,
      times: together,
      call: (n) => must("POST", `${store}/bulk`, { keys: keys(n) }),
    },
    { name: "an event published", times: 1, call: () => must("POST", `/v1.0/publish/${topic}`, event(), type) },
    {
      name: `one of ${together} published together`,
      times: together,
      call: (n) => must("POST", `/v1.0-alpha1/publish/bulk/${topic}`, many(n, entry)),
    },
    // The order service has heard it before: it reads the order, finds the event there, and is done.
    {
      name: "an event published and delivered",
      times: 1,
      call: () => payment.must("bench", "POST", `/v1.0/publish/pubsub/${heardOf}`, heard, type),
    },
    {
      name: "a saga begun, which sleeps after one turn",
      times: 1,
      call: () => {
        const now = new Date();
        const pay_by = new Date(now.getTime() + 3_600_000).toISOString();
        const input = { order_id: randomUUID(), pay_by, repeat_seconds: 60, known, known_at: now.toISOString() };
        return must("POST", `/v1.0/workflows/dapr/${sagaName}/start?instanceID=bench-${randomUUID()}`, input);
      },
    },
  ];
}

async function repeated({ call }: Part, calls: number): Promise<void> {
  let next = 0;
  const work = async () => {
    while (next < calls) await call(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

async function measured(part: Part, calls: number, { roots }: Ground): Promise<Cost> {
  const before = cpuOf(roots());
  await repeated(part, calls);
  // What was begun goes on for a moment behind the answer.
  await pause(1_000);
  const after = cpuOf(roots());
  const each = (ms: number) => rounded(ms / calls / part.times, 3);
  const used = Object.entries(after).map(([name, ms]) => [name, ms - (before[name] ?? 0)] as const);
  const cpu_by_process = Object.fromEntries(used.map(([name, ms]) => [name, each(ms)]));
  return { suite: "parts", part: part.name, cpu_ms: each(sumOf(after) - sumOf(before)), calls, cpu_by_process };
}

function tableOf(costs: Cost[]): string {
  const processes = ["order-daprd", "postgres", "redis", "scheduler", "order"];
  const rows = costs.map(({ part, cpu_ms, cpu_by_process }) => [
    ...[part, String(cpu_ms)],
    ...processes.map((name) => String(cpu_by_process[name] ?? 0)),
  ]);
  return table([["what", "CPU ms", ...processes], ...rows]);
}
