/** One figure over time. `bound`: what it may grow to, because something else keeps it below that. */
export type Series = { name: string; unit: "MB" | "rows" | "files"; values: number[]; bound?: number };
export type Verdict = Omit<Series, "values"> & { thirds: number[]; last: number; levels: boolean };

/** Below this a growth is noise: a garbage collector that waits, a table that is vacuumed once a minute. */
const noise = { MB: 8, rows: 250, files: 20 };
const share = 0.1;

/**
 * A figure levels off when its median in the last third of the time is no more than a tenth, or the noise of its unit,
 * above that in the middle third. Medians, because most figures here are saws.
 */
export function verdictOf({ values, ...series }: Series): Verdict {
  const third = Math.max(1, Math.floor(values.length / 3));
  const thirds = [values.slice(0, third), values.slice(third, -third), values.slice(-third)].map(median);
  const [, middle = 0, end = 0] = thirds;
  const grown = end - middle;
  const last = values.at(-1) ?? 0;
  const bounded = series.bound !== undefined && Math.max(...values) <= series.bound;
  return { ...series, thirds, last, levels: bounded || grown <= Math.max(noise[series.unit], share * middle) };
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
  const all = [head, ...rows];
  const widths = head.map((_, n) => Math.max(...all.map((row) => (row[n] as string).length)));
  return all
    .map((row) =>
      row.map((cell, n) => (n < 2 || n === 6 ? cell.padEnd(widths[n]!) : cell.padStart(widths[n]!))).join("  "),
    )
    .join("\n");
}

const short = (value: number) => String(Math.round(value * 10) / 10);
