import type { LoadResult } from "./load.js";

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
};

type Measured = {
  shape: string;
  concurrency: number;
  load: LoadResult;
  cpuBefore: Record<string, number>;
  cpuAfter: Record<string, number>;
  pssMb: number;
};

/** An order counts when it reached `processing`; what failed is an error and its cost is carried by those that did not. */
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
    cpu_ms_per_order: orders === 0 ? null : perOrder(used.reduce((sum, [, ms]) => sum + ms, 0)),
    pss_mb: rounded(pssMb, 0),
    orders,
    errors: Object.values(load.errors).reduce((sum, count) => sum + count, 0),
    cpu_by_process: Object.fromEntries(used.map(([name, ms]) => [name, perOrder(ms)])),
  };
}

export function quantile(values: number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return value === undefined ? null : rounded(value, 1);
}

export function tableOf(all: Figures[]): string {
  const rows = all.map((figures) => columns.map(([, cell]) => String(cell(figures) ?? "-")));
  const lines = [columns.map(([title]) => title), ...rows];
  const widths = columns.map((_, n) => Math.max(...lines.map((line) => line[n]!.length)));
  return lines.map((line) => line.map((cell, n) => cell.padStart(widths[n]!)).join("  ")).join("\n");
}

const columns: [string, (figures: Figures) => string | number | null][] = [
  ["shape", ({ shape }) => shape],
  ["at once", ({ concurrency }) => concurrency],
  ["orders", ({ orders }) => orders],
  ["errors", ({ errors }) => errors],
  ["orders/s", ({ orders_per_second }) => orders_per_second],
  ["POST p50 ms", ({ post_p50_ms }) => post_p50_ms],
  ["p99", ({ post_p99_ms }) => post_p99_ms],
  ["to processing p50 ms", ({ e2e_p50_ms }) => e2e_p50_ms],
  ["p99", ({ e2e_p99_ms }) => e2e_p99_ms],
  ["CPU ms/order", ({ cpu_ms_per_order }) => cpu_ms_per_order],
  ["PSS MB", ({ pss_mb }) => pss_mb],
];

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
