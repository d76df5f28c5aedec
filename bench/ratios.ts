import { type Figures, type Row, rounded } from "./figures.js";

const compared = [
  "orders_per_second",
  "post_p50_ms",
  "post_p99_ms",
  "e2e_p50_ms",
  "e2e_p99_ms",
  "cpu_ms_per_order",
  "pss_mb",
] as const;
type Compared = Pick<Figures, (typeof compared)[number]>;
type Compare = Row & Compared;

/** The same load on the same system, several times: the mean of every figure, orders and errors of all. */
export function meanOf(rounds: Figures[]): Compare {
  const { shape, concurrency } = rounds[0]!;
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  return {
    shape,
    concurrency,
    orders: sum(rounds.map(({ orders }) => orders)),
    errors: sum(rounds.map(({ errors }) => errors)),
    ...each((name) => {
      const values = rounds.map((figures) => figures[name]).filter((value) => value !== null);
      return values.length === 0 ? null : sum(values) / values.length;
    }, 1),
  };
}

/** How many times theirs ours is: of orders per second more is better, of everything else less. */
export function ratioOf(ours: Compare, theirs: Compare): Compare {
  return {
    shape: `${ours.shape} : ${theirs.shape}`,
    concurrency: ours.concurrency,
    ...each((name) => (ours[name] === null || !theirs[name] ? null : ours[name] / theirs[name]), 2),
  };
}

function each(figure: (name: keyof Compared) => number | null, digits: number): Compared {
  const entries = compared.map((name) => {
    const value = figure(name);
    return [name, value === null ? null : rounded(value, digits)];
  });
  return Object.fromEntries(entries) as Compared;
}

/** For each size the means of all systems, and the ratios of the first to each of the others. */
export function comparison(all: Figures[]): { means: Compare[]; ratios: Compare[] }[] {
  const by = <K extends "shape" | "concurrency">(name: K) => [...new Set(all.map((figures) => figures[name]))];
  return by("concurrency").map((concurrency) => {
    const means = by("shape").map((shape) =>
      meanOf(all.filter((figures) => figures.shape === shape && figures.concurrency === concurrency)),
    );
    const [ours, ...theirs] = means as [Compare, ...Compare[]];
    return { means, ratios: theirs.map((other) => ratioOf(ours, other)) };
  });
}
