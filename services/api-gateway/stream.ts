import { PassThrough } from "node:stream";
import type { TimelineEntry } from "../../contracts/order.js";
import { every } from "../../kit/every.js";
import { Problem, Unavailable } from "../../kit/problem.js";

/** How often the stored histories are looked at, in one question for everybody who watches. */
const pause = 500;
const heartbeat = 15_000;
/** A stream ends after this; its client comes again, with a token that is then checked again. */
const lifetime = 15 * 60_000;
/** What a client may leave unread before it is let go; it resumes where it was. */
const unread = 256 * 1024;

/** Of one replica. */
const bounds = { perUser: 20, total: 2_500 };

/** What is new in some histories, by the order's id. */
export type Entries = (after: { order_id: string; seq: number }[]) => Promise<Map<string, TimelineEntry[]>>;
type Watcher = { user: string; orderId: string; seq: number; out: PassThrough; since: number };
export type Streams = ReturnType<typeof streams>;

/**
 * Timelines as server-sent events, read from the stored history alone: so it does not matter which replica made a
 * change, nor when the client was last here.
 */
export function streams(entriesAfter: Entries, report: (error: unknown) => void, limits = bounds) {
  const watchers = new Set<Watcher>();

  /** Writes what is new for these. Two looks may overlap, so each entry must be the next one. */
  async function look(some: Watcher[]): Promise<void> {
    if (some.length === 0) return;
    // Of all who watch an order, whoever is furthest behind asks for the others too.
    const after = new Map<string, number>();
    for (const { orderId, seq } of some) after.set(orderId, Math.min(seq, after.get(orderId) ?? seq));
    const found = await entriesAfter([...after].map(([order_id, seq]) => ({ order_id, seq })));
    for (const watcher of some)
      for (const entry of found.get(watcher.orderId) ?? [])
        if (entry.seq === watcher.seq + 1 && watcher.out.writable) write(watcher, entry);
  }

  function write(watcher: Watcher, entry: TimelineEntry): void {
    watcher.seq = entry.seq;
    watcher.out.write(`id: ${entry.seq}\ndata: ${JSON.stringify(entry)}\n\n`);
  }

  async function tidy(): Promise<void> {
    const now = Date.now();
    for (const { out, since } of watchers)
      if (now - since > lifetime || out.writableLength > unread) out.end();
      else out.write(":\n\n");
  }

  const looking = every(pause, () => look([...watchers]), report);
  const tidying = every(heartbeat, tidy, report);

  return {
    /** The order's history after `seq`, then what happens to it. 429 when the user has too many open, 503 when all have. */
    open(user: string, orderId: string, seq: number): PassThrough {
      const own = [...watchers].filter((watcher) => watcher.user === user).length;
      if (own >= limits.perUser) throw new Problem(429, `a user may have ${limits.perUser} streams open`, {}, 5);
      if (watchers.size >= limits.total) throw new Unavailable("a free stream");
      const watcher: Watcher = { user, orderId, seq, out: new PassThrough(), since: Date.now() };
      watchers.add(watcher);
      watcher.out.once("close", () => watchers.delete(watcher));
      watcher.out.write("retry: 1000\n\n");
      look([watcher]).catch(report);
      return watcher.out;
    },
    /** Every client is let go; it comes again where it was, to another replica or to the next start. */
    stop(): void {
      looking.stop();
      tidying.stop();
      for (const { out } of watchers) out.end();
    },
  };
}
