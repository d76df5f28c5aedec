import { pause } from "../tools/say.js";
import { type Cost, type Costs, coresAt } from "./capacity.js";
import { rounded, sumOf } from "./figures.js";
import { type Ground, type Options, onSystem, say, show, tell } from "./ground.js";
import type { LoadResult, Target } from "./load.js";
import { client, warmedUp, watched } from "./loaded.js";
import { full, prepare } from "./shapes.js";
import { table } from "./table.js";
import { cpuOf, memoryOf } from "./usage.js";

const known = 25;
const foreseen = [12, 40];
const concurrency = 64;

type Cores = Record<string, number>;

/** What an order costs each part is taken at one steady rate; at a lower and a higher one it is foreseen, and measured. */
export async function measureScale(options: Options): Promise<void> {
  const seconds = options.quick ? 5 : 45;
  say("scale: starting all seven services …");
  await onSystem(options, {}, async (ground) => {
    const target = await prepare(full, ground);
    await warmedUp(target, options.quick ? 100 : 1000);
    // What is seldom met is compiled late.
    if (!options.quick) await steady(known, seconds, target, ground);
    const idle = await idling(ground, options.quick ? 5 : 20);
    const middle = await steady(known, seconds, target, ground);
    const memory = memoryOf(ground.roots());
    const costs = costsOf(idle, middle, memory);
    tell(options, { suite: "scale", rate: known, costs });
    const checked: [number, Cores][] = [];
    for (const rate of foreseen) {
      const cores = await steady(rate, seconds, target, ground);
      const expected = Object.fromEntries(Object.entries(costs).map(([name, cost]) => [name, coresAt(rate, cost)]));
      tell(options, { suite: "scale", rate, cores: sumOf(cores), foreseen: sumOf(expected), by: { cores, expected } });
      checked.push([rate, cores]);
    }
    show(options, tableOf(costs, checked));
  });
}

async function idling({ roots }: Ground, seconds: number): Promise<Cores> {
  say(`scale: ${seconds} s without an order …`);
  const before = cpuOf(roots());
  await pause(seconds * 1000);
  return coresOf(before, cpuOf(roots()), seconds);
}

async function steady(rate: number, seconds: number, target: Target, ground: Ground): Promise<Cores> {
  say(`scale: ${rate} orders per second for ${seconds} s …`);
  const request = { ...target, concurrency, orders: rate * seconds, rate };
  const { result, cpuBefore, cpuAfter } = await watched(ground, () => client<LoadResult>(request));
  return coresOf(cpuBefore, cpuAfter, result.seconds);
}

const coresOf = (before: Cores, after: Cores, seconds: number): Cores =>
  Object.fromEntries(Object.entries(after).map(([name, ms]) => [name, (ms - (before[name] ?? 0)) / 1000 / seconds]));

const costsOf = (idle: Cores, busy: Cores, memory: Record<string, number>): Costs =>
  Object.fromEntries(
    Object.entries(busy).map(([name, cores]): [string, Cost] => {
      const least = idle[name] ?? 0;
      const order = rounded(Math.max(0, (cores - least) * 1000) / known, 2);
      return [name, { order, idle: rounded(least * 1000, 1), memory: rounded(memory[name] ?? 0, 0) }];
    }),
  );

/** Per part: what it costs, and at the other rates the cores that were foreseen and those that were used. */
function tableOf(costs: Costs, checked: [number, Cores][]): string {
  const head = [
    "part",
    "CPU ms/order",
    "idle ms/s",
    "MB",
    ...checked.flatMap(([rate]) => [`at ${rate}/s`, "foreseen"]),
  ];
  const names = Object.keys(costs).sort((a, b) => costs[b]!.order - costs[a]!.order);
  const row = (
    name: string,
    { order, idle, memory }: Cost,
    cores: (of: Cores) => number,
    rateOf: (rate: number) => number,
  ) => [
    name,
    ...[order, idle, memory].map((value) => String(rounded(value, 2))),
    ...checked.flatMap(([rate, of]) => [String(rounded(cores(of), 3)), String(rounded(rateOf(rate), 3))]),
  ];
  const all = Object.values(costs);
  const sum = (of: keyof Cost) => all.reduce((total, cost) => total + cost[of], 0);
  const whole: Cost = { order: sum("order"), idle: sum("idle"), memory: sum("memory") };
  return table([
    head,
    ...names.map((name) =>
      row(
        name,
        costs[name]!,
        (of) => of[name] ?? 0,
        (rate) => coresAt(rate, costs[name]!),
      ),
    ),
    row("sum", whole, sumOf, (rate) => coresAt(rate, whole)),
  ]);
}
