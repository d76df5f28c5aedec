import { filledIn, table } from "../tools/tables.js";
import { type Cost, type Costs, type Part, partitions, plan } from "./capacity.js";
import { measured } from "./measured.js";

const rates = [100, 1_000, 10_000];
/** Orders per second of one cell: beyond it there are several whole systems, each for a part of the customers. */
const cell = 1_000;

/** docs/scale.md with its tables as the model makes them of what was measured. */
export function withPlans(page: string): string {
  const made = { costs: costs(measured), parts: parts(measured), partitions: topics() };
  return Object.entries(made).reduce((text, [name, table]) => filledIn(text, name, table), page);
}

const number = (value: number): string => (value < 9.95 ? value.toFixed(1) : Math.round(value).toLocaleString("en"));

function costs(all: Costs): string {
  const rows = Object.entries(all).map(([name, { order, base, memory }]) => [
    name,
    ...[order, base, memory].map(number),
  ]);
  const sum = (of: keyof Cost) => number(Object.values(all).reduce((total, cost) => total + cost[of], 0));
  return table(
    ["part", "CPU ms per order", "and ms per second before the first", "MB"],
    [...rows, ["**sum**", sum("order"), sum("base"), sum("memory")]],
  );
}

/** A rate is served by one system up to the size of a cell, then by so many of these. */
const cellsOf = (rate: number) => Math.ceil(rate / cell);
const heads = ["", ...rates.map((rate) => `${rate.toLocaleString("en")} orders/s`)];

function parts(all: Costs): string {
  const plans = rates.map((rate) => {
    const cells = cellsOf(rate);
    const more = ({ instances, cores, memory, ...part }: Part) => ({
      ...part,
      instances: cells * instances,
      cores: cells * cores,
      memory: cells * memory,
    });
    return plan(rate / cells, all).map(more);
  });
  const isApp = (name: string) => `${name}-daprd` in all;
  const said = ({ name, instances, cores }: Part) =>
    isApp(name) ? `${instances} replicas, ${number(cores)} cores` : `${number(cores)} cores`;
  const names = (plans[0] as Part[]).map(({ name }) => name);
  const sum = (of: "cores" | "memory") => (parts: Part[]) => parts.reduce((total, part) => total + part[of], 0);
  return table(heads, [
    ["cells", ...rates.map((rate) => String(cellsOf(rate)))],
    ...names.map((name, n) => [name, ...plans.map((parts) => said(parts[n] as Part))]),
    ["**all**", ...plans.map((all) => `${number(sum("cores")(all))} cores, ${number(sum("memory")(all) / 1024)} GB`)],
  ]);
}

/** Milliseconds for one event, from its sidecar's call to the answer, where the handler commits. */
const handlingMs = 10;

const topics = (): string =>
  table(heads, [
    [
      "partitions of each topic, per cell",
      ...rates.map((rate) => String(partitions(rate / cellsOf(rate), handlingMs))),
    ],
  ]);
