import { writeFileSync } from "node:fs";
import { instanceOf, portOf } from "../tools/instance.js";
import { help, pause, Refusal } from "../tools/say.js";
import { launch } from "../tools/supervisor.js";
import { say, wipe } from "./ground.js";
import { sampler } from "./sample.js";
import { shortened } from "./shortened.js";
import { type Traffic, traffic } from "./traffic.js";
import { type Series, tableOf, type Verdict, verdictOf } from "./verdict.js";

const usage = `
npm run soak [-- --minutes 10] [--rate 5] [--json]

Starts a system of its own with fresh data and short retention times, sends it steady traffic, and looks at what grows:
memory and open files of every process, rows and bytes of every table, streams, stores, logs. Ends with 1 when something
that should level off does not. What is kept for good (orders and what belongs to them) is told as bytes per order.

--minutes   how long (10); below 5 only rows and streams that do not go up and down are judged
--rate      orders per second (5)
--json      samples and verdicts as JSON lines, nothing else on stdout
PORT_BASE   its ports (25080)
`;

/** One in five seconds; a sample itself takes a second or more of the machine. */
const samplesIn = (minutes: number) => Math.min(60, Math.max(12, Math.round(minutes * 12)));

export async function run(args: string[]): Promise<void> {
  help(args, usage);
  if (process.platform !== "linux") throw new Refusal("The soak reads memory from /proc: run it on Linux.");
  const minutes = numberOf(args, "--minutes", 10);
  const rate = numberOf(args, "--rate", 5);
  const json = args.includes("--json");
  const portBase = portOf(process.env.PORT_BASE, 25080);
  const { dir } = instanceOf({ portBase, dir: `.run-soak-${portBase}` });
  await wipe(dir);
  // Everything is kept for a twentieth of the time, so that most of it is spent in the state that should last.
  const keptSeconds = (minutes * 60) / 20;
  const short = shortened(dir, keptSeconds);
  say(`Starting a system that keeps for ${keptSeconds} s what others keep for days …`);
  const system = await launch({ portBase, dir, quiet: true, ...short });
  const samples = samplesIn(minutes);
  const taken: Record<string, number>[] = [];
  let verdicts: Verdict[];
  try {
    const sample = sampler({ portBase, dir }, system.roots);
    const load: Traffic = await traffic(system.url, portBase, rate);
    const began = Date.now();
    for (let n = 1; n <= samples; n++) {
      await pause(began + (n * minutes * 60_000) / samples - Date.now());
      const now = await sample.take();
      taken.push(now);
      if (json) console.log(JSON.stringify({ seconds: Math.round((Date.now() - began) / 1000), ...load.done, ...now }));
      else if (n % Math.round(samples / 10) === 0) say(lineOf((Date.now() - began) / 1000, load, now));
    }
    await load.stop();
    say("The traffic has ended; what should go goes …");
    await pause(2 * keptSeconds * 1000 + 15_000);
    const left = { ...(await sample.take()), ...(await sample.leftovers()) };
    verdicts = [...judged(taken, minutes >= 5), ...vanished(left)];
    report(verdicts, json, taken, left, load);
    await sample.close();
  } finally {
    await system.stop();
  }
  const growing = verdicts.filter(({ levels }) => !levels);
  if (growing.length === 0) return wipe(dir);
  writeFileSync(`${dir}/samples.json`, JSON.stringify(taken));
  throw new Refusal(
    `${growing.map(({ name }) => name).join(", ")} did not level off; logs and samples are kept in ${dir}.`,
  );
}

function numberOf(args: string[], name: string, otherwise: number): number {
  if (!args.includes(name)) return otherwise;
  const value = Number(args[args.indexOf(name) + 1]);
  if (value > 0) return value;
  throw new Refusal(`${name} wants a number above 0: npm run soak -- ${name} ${otherwise}`);
}

const unitOf = (name: string) => (/ (memory|bytes)$/.test(name) ? "MB" : / files$/.test(name) ? "files" : "rows");
/** Orders and what belongs to them stay; so do the stores that hold them. */
const isKept = (name: string) =>
  /(^| )(order|history|account|hold|user|email|ledger|stock|product) rows$/.test(name) || / state bytes$/.test(name);
/** Heaps that are collected late, and dead rows that wait for the vacuum. */
const isSaw = (name: string) => / (memory|dead rows)$/.test(name);
const bounds: Record<string, number> = {
  // Cut when they are long (tools/logs.ts).
  "logs bytes": 800,
  // Written anew when it is twice as long.
  "redis file bytes": 200,
  // Its shared buffers are 256 MB, which the orders fill in time, and each connection keeps the tables it has met open.
  "postgres memory": 600,
  "postgres files": 8_000,
};

function judged(taken: Record<string, number>[], all: boolean): Verdict[] {
  const names = Object.keys(taken.at(-1) ?? {}).filter((name) => !isKept(name));
  return names
    .map((name): Series => {
      const bound = bounds[name];
      const values = taken.map((sample) => sample[name] ?? 0);
      return { name, unit: unitOf(name), values, saw: isSaw(name), ...(bound !== undefined && { bound }) };
    })
    .filter(({ unit, saw }) => all || (unit === "rows" && !saw))
    .map(verdictOf);
}

/** Nothing is left of what was finished: workflows, their reminders, and what had its time. */
function vanished(left: Record<string, number>): Verdict[] {
  const gone = ["order outbox rows", "payment outbox rows", "inventory outbox rows", "order command rows"];
  return [...gone, "notification notification rows", "workflow rows of no open order"].map((name) => {
    const last = left[name] ?? 0;
    return { name: `${name} at the end`, unit: "rows" as const, thirds: [last, last, last], last, levels: last === 0 };
  });
}

function report(
  verdicts: Verdict[],
  json: boolean,
  taken: Record<string, number>[],
  left: Record<string, number>,
  load: Traffic,
) {
  const { orders } = load.done;
  const bytes = Object.keys(left).filter((name) => / state bytes$/.test(name));
  const kept = bytes.map((name) => ({
    name: name.replace(" state bytes", ""),
    bytesPerOrder: Math.round((((left[name] ?? 0) - (taken[0]?.[name] ?? 0)) * 1024 * 1024) / Math.max(1, orders)),
  }));
  if (json) {
    for (const verdict of verdicts) console.log(JSON.stringify(verdict));
    console.log(JSON.stringify({ ...load.done, keptPerOrder: kept }));
    return;
  }
  console.log(`\n${tableOf(verdicts)}\n`);
  console.log(
    `${orders} orders; kept for good, in bytes per order: ${kept.map(({ name, bytesPerOrder }) => `${name} ${bytesPerOrder}`).join(", ")}`,
  );
  console.log(JSON.stringify(load.done));
}

function lineOf(seconds: number, load: Traffic, now: Record<string, number>): string {
  const total = (suffix: string) =>
    Math.round(Object.entries(now).reduce((sum, [name, value]) => (name.endsWith(suffix) ? sum + value : sum), 0));
  return `  ${Math.round(seconds)} s: ${load.done.orders} orders, ${total(" memory")} MB of memory, ${total(" files")} files, ${now["workflow rows"] ?? 0} workflow rows, ${total(" dead rows")} dead rows, ${now["redis entries"] ?? 0} stream entries`;
}
