import type { LoadResult } from "./load.js";
import { table } from "./table.js";

export type Figures = {
  shape: string;
  concurrency: number;
  orders_per_second: number;
  post_p50_ms: number | null;
  post_p99_ms: number | null;
  e2e_p50_ms: number | null;
  e2e_p99_ms: number | null;
  cpu_ms_per_order: number | null;
  pss_mb: number;
  orders: number;
  errors: number;
  cpu_by_process: Record<string, number>;
  pss_by_process: Record<string, number>;
};

/** A line of the table: what it does not have stays open. */
export type Row = Pick<Figures, "shape" | "concurrency"> & Partial<Figures>;

type Measured = {
  shape: string;
  concurrency: number;
  load: LoadResult;
  cpuBefore: Record<string, number>;
  cpuAfter: Record<string, number>;
  pssMb: Record<string, number>;
};

/** An order counts when it arrived; what failed is an error and its cost is carried by those that did not. */
export function figuresOf({ shape, concurrency, load, cpuBefore, cpuAfter, pssMb }: Measured): Figures {
  const orders = load.e2eMs.length;
  const used = Object.entries(cpuAfter).map(([name, ms]) => [name, ms - (cpuBefore[name] ?? 0)] as const);
  const perOrder = (ms: number) => rounded(ms / Math.max(1, orders), 2);
  return {
    shape,
    concurrency,
    orders_per_second: rounded(orders / load.seconds, 1),
    post_p50_ms: quantile(load.postMs, 0.5),
    post_p99_ms: quantile(load.postMs, 0.99),
    e2e_p50_ms: quantile(load.e2eMs, 0.5),
    e2e_p99_ms: quantile(load.e2eMs, 0.99),
    cpu_ms_per_order: orders === 0 ? null : perOrder(sumOf(cpuAfter) - sumOf(cpuBefore)),
    pss_mb: rounded(sumOf(pssMb), 0),
    orders,
    errors: sumOf(load.errors),
    cpu_by_process: Object.fromEntries(used.map(([name, ms]) => [name, perOrder(ms)])),
    pss_by_process: Object.fromEntries(Object.entries(pssMb).map(([name, mb]) => [name, rounded(mb, 1)])),
  };
}

export function quantile(values: number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return value === undefined ? null : rounded(value, 1);
}

export function tableOf(all: Row[]): string {
  const rows = all.map((figures) => columns.map(([, cell]) => String(cell(figures) ?? "-")));
  return table([columns.map(([title]) => title), ...rows]);
}

const columns: [string, (row: Row) => string | number | null | undefined][] = [
  ["shape", ({ shape }) => shape],
  ["at once", ({ concurrency }) => concurrency],
  ["orders", ({ orders }) => orders],
  ["errors", ({ errors }) => errors],
  ["orders/s", ({ orders_per_second }) => orders_per_second],
  ["POST p50 ms", ({ post_p50_ms }) => post_p50_ms],
  ["p99", ({ post_p99_ms }) => post_p99_ms],
  ["to the end p50 ms", ({ e2e_p50_ms }) => e2e_p50_ms],
  ["p99", ({ e2e_p99_ms }) => e2e_p99_ms],
  ["CPU ms/order", ({ cpu_ms_per_order }) => cpu_ms_per_order],
  ["PSS MB", ({ pss_mb }) => pss_mb],
];

/** What each process used and holds. */
export function processesOf({ cpu_by_process, pss_by_process }: Figures): string {
  const names = Object.keys(pss_by_process).sort((a, b) => cpuOf(b) - cpuOf(a));
  function cpuOf(name: string) {
    return cpu_by_process[name] ?? 0;
  }
  const rows = names.map((name) => [name, String(cpuOf(name)), String(pss_by_process[name])]);
  return table([["process", "CPU ms/order", "PSS MB"], ...rows]);
}

/** The same load in several situations; each figure also as a multiple of that in the first one. */
export function comparisonOf(what: string, all: [string, Figures][]): string {
  const first = all[0]![1];
  const rows = all.map(([name, figures]) => [
    name,
    ...compared.flatMap(([, of]) => [String(of(figures) ?? "-"), timesOf(of(figures), of(first))]),
    String(figures.errors),
  ]);
  return table([[what, ...compared.flatMap(([title]) => [title, ""]), "errors"], ...rows]);
}

const compared: [string, (figures: Figures) => number | null][] = [
  ["orders/s", ({ orders_per_second }) => orders_per_second],
  ["CPU ms/order", ({ cpu_ms_per_order }) => cpu_ms_per_order],
  ["to processing p50 ms", ({ e2e_p50_ms }) => e2e_p50_ms],
  ["PSS MB", ({ pss_mb }) => pss_mb],
];

/** "× 1.25"; nothing where there is nothing to compare. */
export function timesOf(value: number | null, first: number | null): string {
  return value === null || !first ? "" : `× ${rounded(value / first, 2)}`;
}

export const sumOf = (figures: Record<string, number>) => Object.values(figures).reduce((sum, one) => sum + one, 0);

export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
