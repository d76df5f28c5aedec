/** What was counted so far, by name, and when. */
export type Reading = { atMs: number; counts: Record<string, number> };
type Rise = { seconds: number; counts: Record<string, number> };

/** What came to each count between two readings. A count that fell was begun anew: then nothing is known. */
export function riseBetween(before: Reading, after: Reading): Rise {
  const names = Object.keys({ ...before.counts, ...after.counts });
  const fell = names.find((name) => (after.counts[name] ?? 0) < (before.counts[name] ?? 0));
  if (fell) throw new Error(`"${fell}" fell while it was counted: who counts it was started anew.`);
  const counts = names.map((name) => [name, (after.counts[name] ?? 0) - (before.counts[name] ?? 0)] as const);
  return { seconds: (after.atMs - before.atMs) / 1000, counts: Object.fromEntries(counts) };
}

/** What one order costs: the rise under load without what an idle system adds to it in the same time. */
export function perOrder(idle: Rise, busy: Rise, orders: number): Record<string, number> {
  const background = perSecond(idle);
  return mapped(busy.counts, (count, name) => (count - (background[name] ?? 0) * busy.seconds) / orders);
}

export const perSecond = ({ seconds, counts }: Rise) => mapped(counts, (count) => count / seconds);

const mapped = (counts: Record<string, number>, of: (count: number, name: string) => number) =>
  Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, of(count, name)]));
