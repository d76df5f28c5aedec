import { fork } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { instanceOf, portOf } from "../tools/instance.js";
import { help, Refusal } from "../tools/say.js";
import { launch } from "../tools/supervisor.js";
import { type Figures, figuresOf, tableOf } from "./figures.js";
import { say, settings, untilQuiet, wipe } from "./ground.js";
import { measureLists } from "./lists.js";
import type { LoadRequest, LoadResult } from "./load.js";
import { prepare, type Shape, shapes } from "./shapes.js";
import { busyMs, cpuOf, machineTicks, pssOf } from "./usage.js";

const usage = `
npm run bench [-- [<shape> …] [--quick] [--json]]
npm run bench -- --suite lists [--quick] [--json]

Starts a system of its own with fresh data, measures orders from POST to \`processing\`, and stops it again:
${shapes.map(({ name, what }) => `  ${name.padEnd(8)}${what}`).join("\n")}

The suite "lists" stores 1,000 and then 100,000 orders and compares what a page of them costs.

--quick     fewer orders: a look, not a measurement
--json      one JSON line per measurement, nothing else on stdout
PORT_BASE   its ports (28080)
`;

const sizes = [
  { concurrency: 1, orders: 50 },
  { concurrency: 16, orders: 500 },
  { concurrency: 64, orders: 1500 },
];
const quickSizes = [
  { concurrency: 1, orders: 10 },
  { concurrency: 16, orders: 40 },
  { concurrency: 64, orders: 100 },
];
const warmUp = { concurrency: 16, orders: 100 };
const othersShare = 0.1;

export type Options = { quick: boolean; quiet: boolean; portBase: number };

export async function run(args: string[]) {
  help(args, usage);
  if (process.platform !== "linux")
    throw new Refusal("The benchmark reads CPU and memory from /proc: run it on Linux.");
  const json = args.includes("--json");
  const options = { quick: args.includes("--quick"), quiet: json, portBase: portOf(process.env.PORT_BASE, 28080) };
  if (args.includes("--suite")) return suite(args[args.indexOf("--suite") + 1], options);
  const all: Figures[] = [];
  for (const shape of chosen(args))
    await measure(shape, options, (figures) => {
      all.push(figures);
      if (json) console.log(JSON.stringify(figures));
    });
  if (!json) console.log(`\n${tableOf(all)}`);
}

function suite(name: string | undefined, options: Options): Promise<void> {
  if (name !== "lists") throw new Refusal(`There is no suite "${name}"; there is "lists".`);
  return measureLists(options);
}

function chosen(args: string[]): Shape[] {
  const names = args.filter((arg) => !arg.startsWith("--"));
  const unknown = names.find((name) => shapes.every((shape) => shape.name !== name));
  if (unknown)
    throw new Refusal(`There is no shape "${unknown}"; there are ${shapes.map(({ name }) => name).join(", ")}.`);
  return names.length === 0 ? shapes : shapes.filter(({ name }) => names.includes(name));
}

async function measure(shape: Shape, { quick, quiet, portBase }: Options, report: (figures: Figures) => void) {
  const { name, appEnv, apps } = shape;
  const { dir } = instanceOf({ portBase, dir: `.run-bench-${portBase}` });
  await wipe(dir);
  say(`${name}: starting ${shape.what} …`);
  const instance = await launch({ portBase, dir, appEnv, apps, quiet, settings });
  for (const name of ["postgres", "redis"])
    if (!(name in instance.roots())) say(`${name} was started by somebody else: it is in no figure.`);
  try {
    const target = await prepare(shape, portBase, dir);
    await (await loadClient())({ ...target, ...warmUp });
    for (const { concurrency, orders } of quick ? quickSizes : sizes) {
      await untilQuiet();
      say(`${name}: ${orders} orders, ${concurrency} at once …`);
      const place = await loadClient();
      const roots = instance.roots();
      const machineBefore = machineTicks();
      const cpuBefore = cpuOf(roots);
      const load = await place({ ...target, concurrency, orders });
      const cpuAfter = cpuOf(roots);
      const busy = busyMs(machineBefore, machineTicks());
      complain(load, roots, instance.roots());
      sayWhoElse(busy - load.cpuMs - sum(cpuAfter) + sum(cpuBefore), load.seconds);
      report(figuresOf({ shape: name, concurrency, load, cpuBefore, cpuAfter, pssMb: pssOf(roots) }));
    }
  } finally {
    await instance.stop();
  }
  // Not in `finally`: after a failure its logs are wanted.
  await wipe(dir);
}

/** A process of its own that waits to be told what to order. */
async function loadClient(): Promise<(request: LoadRequest) => Promise<LoadResult>> {
  const child = fork(join(import.meta.dirname, "load.js"));
  const died = once(child, "exit").then(() => {
    throw new Error("The load client died.");
  });
  const heard = async <Message>() => (await Promise.race([once(child, "message"), died]))[0] as Message;
  await heard();
  return async (request) => {
    child.send(request);
    return heard<LoadResult>();
  };
}

function complain({ errors }: LoadResult, before: Record<string, number>, after: Record<string, number>) {
  for (const [what, count] of Object.entries(errors)) say(`  ${count} × ${what}`);
  for (const [name, pid] of Object.entries(before))
    if (after[name] !== pid) say(`  ${name} died and was started again: its CPU is not counted in full.`);
}

function sayWhoElse(othersMs: number, seconds: number) {
  const share = othersMs / (seconds * 1000 * availableParallelism());
  if (share > othersShare)
    say(`  Others used ${Math.round(share * 100)} % of the machine meanwhile: these figures are worse for it.`);
}

const sum = (cpu: Record<string, number>) => Object.values(cpu).reduce((total, ms) => total + ms, 0);
