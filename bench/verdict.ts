import { table } from "./table.js";

/** One figure over time. `saw`: it goes up and down by its nature. `bound`: what something else keeps it below. */
export type Series = { name: string; unit: "MB" | "rows" | "files"; values: number[]; saw?: boolean; bound?: number };
export type Verdict = Omit<Series, "values"> & { thirds: number[]; last: number; levels: boolean };

/** Below this a growth is noise: heaps that are collected late, orders that come in bursts. */
const noise = { MB: 16, rows: 250, files: 20 };
const share = 0.1;

/**
 * A figure levels off when in the last third of the time it is no more than a tenth, or the noise of its unit, above the
 * middle third: by their medians, and where it is a saw by their peaks.
 */
export function verdictOf({ values, ...series }: Series): Verdict {
  const third = Math.max(1, Math.floor(values.length / 3));
  const figure = series.saw ? (some: number[]) => Math.max(0, ...some) : median;
  const thirds = [values.slice(0, third), values.slice(third, -third), values.slice(-third)].map(figure);
  const [, middle = 0, end = 0] = thirds;
  const last = values.at(-1) ?? 0;
  const bounded = series.bound !== undefined && Math.max(...values) <= series.bound;
  return { ...series, thirds, last, levels: bounded || end - middle <= Math.max(noise[series.unit], share * middle) };
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

export function tableOf(verdicts: Verdict[]): string {
  const head = ["what", "", "first third", "middle", "last third", "at the end", "levels off"];
  const rows = verdicts.map(({ name, unit, thirds, last, levels, bound }) => {
    const under = bound === undefined ? "" : ` (bound ${bound})`;
    return [name, unit, ...thirds.map(short), short(last), `${levels ? "yes" : "NO"}${under}`];
  });
  return table([head, ...rows], [0, 1, 6]);
}

const short = (value: number) => String(Math.round(value * 10) / 10);
