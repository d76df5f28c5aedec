import { type Finding, maxFindings, type Reconciliation } from "../../contracts/admin.js";
import { driftOf } from "./reconcile.js";

// The life of a reconciliation run, as stored: who works on it, how far it is, what it found.

export type Run = {
  state: "running" | "done" | "failed";
  scope: "all" | "changed";
  started_at: string;
  finished_at: string | null;
  /** Orders that changed after `since` and not after `until` are compared. */
  since: string;
  until: string;
  /** How far it is: orders that had findings, then orders by their last change, then products. */
  next:
    | { part: "again"; ids: string[] }
    | { part: "orders"; after: string[] }
    | { part: "products"; after: string | null };
  coverage: Reconciliation["coverage"];
  findings: Finding[];
  /** `until` of the last run that came to its end, and when the last one of all did. */
  as_of: string | null;
  all_at: string | null;
  /** Whose run it is until the time; whoever comes then goes on with it. */
  owner: string;
  leased_until: string;
  applied: string[];
};

/** A page that was compared: what it was about, what was found, and what comes next. */
export type Page = {
  about: (string | null)[];
  findings: Finding[];
  orders: number;
  products: number;
  skipped: number;
  next: Run["next"] | undefined;
};

const lease = 15_000;
const interval = 5 * 60_000;
const day = 24 * 60 * 60_000;

const later = (now: string, ms: number): string => new Date(Date.parse(now) + ms).toISOString();

type Claim = { now: string; owner: string; quietSeconds: number; all: boolean };

/** The run that is now the owner's to work on: one that was left, or a new one; undefined when there is nothing to do. */
export function claimed(last: Run | undefined, { now, owner, quietSeconds, all }: Claim): Run | undefined {
  const mine = { owner, leased_until: later(now, lease) };
  if (last?.state === "running") return last.leased_until < now ? { ...last, ...mine } : undefined;
  if (!all && last && now < later(last.started_at, interval)) return undefined;
  const changed = !all && last?.as_of && last.all_at && now < later(last.all_at, day);
  const known = last?.findings ?? [];
  const scope = changed && known.length < maxFindings ? "changed" : "all";
  return {
    ...mine,
    state: "running",
    scope,
    started_at: now,
    finished_at: null,
    since: scope === "all" ? "" : (last?.as_of as string),
    until: later(now, -quietSeconds * 1000),
    next: { part: "again", ids: [...new Set(known.flatMap(({ order_id }) => order_id ?? []))] },
    coverage: { orders: 0, products: 0, skipped: 0 },
    findings: known,
    as_of: last?.as_of ?? null,
    all_at: last?.all_at ?? null,
    applied: last?.applied ?? [],
  };
}

/** A page further. What it was about is known anew; without a next page the run is done. */
export function advanced(run: Run, page: Page, now: string): Run {
  const { orders, products, skipped } = run.coverage;
  const others = run.findings.filter(({ order_id, product_id }) => !page.about.includes(order_id ?? product_id));
  const further: Run = {
    ...run,
    leased_until: later(now, lease),
    coverage: {
      orders: orders + page.orders,
      products: products + page.products,
      skipped: skipped + page.skipped,
    },
    findings: [...others, ...page.findings].slice(0, maxFindings),
  };
  if (page.next) return { ...further, next: page.next };
  const all_at = run.scope === "all" ? run.started_at : run.all_at;
  return { ...further, state: "done", finished_at: now, as_of: run.until, all_at };
}

export const failed = (run: Run, now: string): Run => ({ ...run, state: "failed", finished_at: now });

const never: Reconciliation = {
  state: "never",
  scope: "all",
  started_at: null,
  finished_at: null,
  as_of: null,
  coverage: { orders: 0, products: 0, skipped: 0 },
  drift: {},
  stock_drift: 0,
  findings: [],
};

/** A run as the API shows it. */
export function view(run: Run | undefined): Reconciliation {
  if (!run) return never;
  const { state, scope, started_at, finished_at, as_of, coverage, findings } = run;
  return { state, scope, started_at, finished_at, as_of, coverage, ...driftOf(findings), findings };
}
