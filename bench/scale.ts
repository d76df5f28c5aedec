import { type Cost, type Costs, coresAt } from "./capacity.js";
import { rounded, sumOf } from "./figures.js";
import { type Ground, type Options, onSystem, say, show, tell } from "./ground.js";
import type { LoadResult, Target } from "./load.js";
import { client, warmedUp, watched } from "./loaded.js";
import { full, prepare } from "./shapes.js";
import { table } from "./table.js";
import { memoryOf } from "./usage.js";

const known = [5, 20] as const;
const foreseen = [10, 25];
const concurrency = 64;

type Cores = Record<string, number>;

/** What an order costs each part is taken at two steady rates, as a line through both; between and above them it is foreseen, and measured. */
export async function measureScale(options: Options): Promise<void> {
  const seconds = options.quick ? 5 : 45;
  say("scale: starting all seven services …");
  await onSystem(options, {}, async (ground) => {
    const target = await prepare(full, ground);
    await warmedUp(target, options.quick ? 100 : 1000);
    // What is seldom met is compiled late.
    if (!options.quick) await steady(known[1], seconds, target, ground);
    const low = await steady(known[0], seconds, target, ground);
    const high = await steady(known[1], seconds, target, ground);
    const costs = costsOf(low, high, memoryOf(ground.roots()));
    tell(options, { suite: "scale", rates: known, costs });
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

async function steady(rate: number, seconds: number, target: Target, ground: Ground): Promise<Cores> {
  say(`scale: ${rate} orders per second for ${seconds} s …`);
  const request = { ...target, concurrency, orders: rate * seconds, rate };
  const { result, cpuBefore, cpuAfter } = await watched(ground, () => client<LoadResult>(request));
  return coresOf(cpuBefore, cpuAfter, result.seconds);
}

const coresOf = (before: Cores, after: Cores, seconds: number): Cores =>
  Object.fromEntries(Object.entries(after).map(([name, ms]) => [name, (ms - (before[name] ?? 0)) / 1000 / seconds]));

/** The line through both: its slope is an order's, where it begins is what there is to pay before the first one. */
const costsOf = (low: Cores, high: Cores, memory: Record<string, number>): Costs =>
  Object.fromEntries(
    Object.entries(high).map(([name, cores]): [string, Cost] => {
      const order = Math.max(0, (cores - (low[name] ?? 0)) / (known[1] - known[0]));
      const base = Math.max(0, cores - order * known[1]);
      return [
        name,
        { order: rounded(order * 1000, 2), base: rounded(base * 1000, 1), memory: rounded(memory[name] ?? 0, 0) },
      ];
    }),
  );

/** Per part: what it costs, and at the other rates the cores that were foreseen and those that were used. */
function tableOf(costs: Costs, checked: [number, Cores][]): string {
  const head = [
    "part",
    "CPU ms/order",
    "base ms/s",
    "MB",
    ...checked.flatMap(([rate]) => [`at ${rate}/s`, "foreseen"]),
  ];
  const names = Object.keys(costs).sort((a, b) => costs[b]!.order - costs[a]!.order);
  const row = (
    name: string,
    { order, base, memory }: Cost,
    cores: (of: Cores) => number,
    rateOf: (rate: number) => number,
  ) => [
    name,
    ...[order, base, memory].map((value) => String(rounded(value, 2))),
    ...checked.flatMap(([rate, of]) => [String(rounded(cores(of), 3)), String(rounded(rateOf(rate), 3))]),
  ];
  const all = Object.values(costs);
  const sum = (of: keyof Cost) => all.reduce((total, cost) => total + cost[of], 0);
  const whole: Cost = { order: sum("order"), base: sum("base"), memory: sum("memory") };
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
