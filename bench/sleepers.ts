import { saveSetting } from "../tools/databases.js";
import { instanceOf } from "../tools/instance.js";
import { serverOf } from "../tools/postgres.js";
import { pause, Refusal } from "../tools/say.js";
import { secretsOf } from "../tools/secrets.js";
import { type Databases, databasesOf } from "./databases.js";
import { comparisonOf, type Figures, rounded, sumOf, timesOf } from "./figures.js";
import { type Ground, type Options, onSystem, say, show, tell, untilQuiet } from "./ground.js";
import type { LoadResult, Target } from "./load.js";
import { client, loaded, warmedUp } from "./loaded.js";
import { full, prepare } from "./shapes.js";
import { table } from "./table.js";
import { cpuOf, memoryOf } from "./usage.js";

// A saga asks once before it knows that no payment is under way; then it sleeps until the time to pay is over.
const repeatSeconds = 5;
const asleepMs = (repeatSeconds + 5) * 1000;
const windowSeconds = 20;
// Services look at their settings every two seconds.
const followedMs = 6_000;
const patienceMs = 120_000;

type Rest = { cpu_ms_per_second: Record<string, number>; pss_by_process: Record<string, number> };
type Woken = { woken: number; cancelled: number; late_p50_ms: number | null; late_max_ms: number | null };

/** Orders that nobody pays: what their sagas cost asleep, what orders beside them cost, and whether they wake. */
export async function measureSleepers(options: Options): Promise<void> {
  const sleepers = options.quick ? 100 : 5000;
  const part = sleepers / 10;
  const load = { concurrency: 16, orders: options.quick ? 40 : 500 };
  const rests: Rest[] = [];
  const loads: [string, Figures][] = [];
  say("sleepers: starting all seven services …");
  const settings = { repeat_interval_seconds: String(repeatSeconds) };
  const woken = await onSystem(options, { settings }, async (ground) => {
    const target = await prepare(full, ground);
    await warmedUp(target);
    const measure = async (asleep: number) => {
      const rest = await resting(ground, options.quick ? 5 : 20);
      say(`sleepers: ${load.orders} orders, ${load.concurrency} at once, beside ${asleep} asleep …`);
      const figures = await loaded(full.name, ground, { ...target, ...load });
      tell(options, { suite: "sleepers", asleep, ...rest, ...figures });
      rests.push(rest);
      loads.push([String(asleep), figures]);
    };
    await measure(0);
    say(`sleepers: placing ${sleepers} orders that nobody pays …`);
    await placed(target, sleepers);
    await pause(asleepMs);
    await measure(sleepers);
    await shorten(ground);
    say(`sleepers: ${part} more that have ${windowSeconds} s …`);
    await placed(target, part);
    const databases = databasesOf(ground);
    const woken = await wakened(databases, part);
    await databases.close();
    return woken;
  });
  tell(options, { suite: "sleepers", ...woken });
  show(options, comparisonOf("asleep", loads));
  show(options, restsOf(rests as [Rest, Rest], sleepers));
  const { cancelled, late_p50_ms, late_max_ms } = woken;
  show(
    options,
    `Of ${part} that woke ${cancelled} are cancelled, ${late_p50_ms} ms after their time (p50), at most ${late_max_ms} ms.`,
  );
  if (cancelled !== part) throw new Refusal(`Of ${part} orders that nobody paid only ${cancelled} were cancelled.`);
}

async function placed(target: Target, orders: number) {
  const { postMs, errors } = await (await client<LoadResult>({ ...target, concurrency: 16, orders, unpaid: true }))();
  if (postMs.length < orders) throw new Refusal(`Not all orders were taken: ${JSON.stringify(errors)}.`);
}

/** What the processes use while nobody asks for anything. */
async function resting({ roots, quick }: Ground, seconds: number): Promise<Rest> {
  await untilQuiet({ quick });
  const present = roots();
  const before = cpuOf(present);
  await pause(seconds * 1000);
  const after = cpuOf(present);
  const each = (of: (name: string) => number) =>
    Object.fromEntries(Object.keys(present).map((name) => [name, rounded(of(name), 1)]));
  const memory = memoryOf(present);
  return {
    cpu_ms_per_second: each((name) => (after[name]! - before[name]!) / seconds),
    pss_by_process: each((name) => memory[name]!),
  };
}

async function shorten({ portBase, dir }: Ground) {
  const server = serverOf(instanceOf({ portBase, dir }), secretsOf(dir).postgresPassword);
  await saveSetting(server, "payment_window_seconds", String(windowSeconds));
  await pause(followedMs);
}

/** Waits for the end of the orders that had little time: cancelled, their goods given back. */
async function wakened({ ask }: Databases, part: number): Promise<Woken> {
  const moment = (field: string) => `(value->>'${field}')::timestamptz`;
  for (const end = Date.now() + windowSeconds * 1000 + patienceMs; ; await pause(1000)) {
    const [found] = await ask<{ woken: string; cancelled: string; p50: number | null; most: number | null }>(
      "order",
      `SELECT count(*) AS woken, count(*) FILTER (WHERE ended) AS cancelled,
         percentile_cont(0.5) WITHIN GROUP (ORDER BY late) AS p50, max(late) AS most
       FROM (SELECT value->>'status' = 'cancelled' AND value->>'released_at' IS NOT NULL AS ended,
           extract(epoch FROM ${moment("cancelled_at")} - ${moment("pay_by")})::float8 * 1000 AS late
         FROM state WHERE starts_with(key, 'order:')
           AND ${moment("pay_by")} - ${moment("created_at")} <= interval '${windowSeconds + 1} s') AS short_lived`,
    );
    const { woken, cancelled, p50, most } = found!;
    if (Number(cancelled) < part && Date.now() < end) continue;
    const late = (ms: number | null) => (ms === null ? null : rounded(ms, 0));
    return { woken: Number(woken), cancelled: Number(cancelled), late_p50_ms: late(p50), late_max_ms: late(most) };
  }
}

/** Memory and CPU at rest, by process, those that grow most first. */
function restsOf([without, beside]: [Rest, Rest], asleep: number): string {
  const grown = (name: string) => (beside.pss_by_process[name] ?? 0) - (without.pss_by_process[name] ?? 0);
  const names = Object.keys(beside.pss_by_process).sort((a, b) => grown(b) - grown(a));
  const pair = (a: number, b: number) => [String(rounded(a, 1)), String(rounded(b, 1)), timesOf(b, a)];
  const lineOf = (name: string, of: (figures: Record<string, number>) => number) => [
    name,
    ...pair(of(without.pss_by_process), of(beside.pss_by_process)),
    ...pair(of(without.cpu_ms_per_second), of(beside.cpu_ms_per_second)),
  ];
  const head = ["at rest", "PSS MB", `${asleep} asleep`, "", "CPU ms/s", `${asleep} asleep`, ""];
  return table([head, ...names.map((name) => lineOf(name, (figures) => figures[name] ?? 0)), lineOf("all", sumOf)]);
}
