import type { Statement } from "../contracts/console.js";
import { toMinor } from "../contracts/money.js";
import type { OrderView, TimelineEntry } from "../contracts/order.js";

export type Verdict = { state: "running" | "right" | "wrong"; title: string; checks: { is: boolean; says: string }[] };

type Facts = {
  order: OrderView;
  timeline: TimelineEntry[];
  statement: Statement | undefined;
  /** The last thing that was done to the system before the end: `good` when it was a help. */
  hit: { at: number; good: boolean };
};

/**
 * Whether an order came to a right end although something was killed: every charge and refund by the provider's own
 * ledger, the goods by the order's history.
 */
export function verdict({ order, timeline, statement, hit }: Facts): Verdict {
  const { status } = order;
  const released = timeline.find(({ name }) => name === "inventory.released");
  const kept = ["processing", "shipped", "delivered"].includes(status);
  const isBack = (order.payment.refund?.status ?? "done") === "done" && order.payment.status !== "pending";
  const back = status === "cancelled" && released !== undefined && isBack;
  const refused = status === "payment_failed";
  if (!statement || !(kept || back || refused)) return { state: "running", title: "Still under way", checks: [] };

  const taken = statement.charges.filter((charge) => charge.status === "succeeded");
  const given = statement.refunds.filter((refund) => refund.status === "succeeded");
  const owed = kept ? (toMinor(order.total, order.currency) ?? Number.NaN) : 0;
  const checks = [
    kept
      ? { is: taken.length === 1, says: `The provider took the money ${times(taken.length)}` }
      : {
          is: taken.length === given.length,
          says: `The provider took money ${times(taken.length)} and gave it back ${times(given.length)}`,
        },
    { is: statement.net === owed, says: kept ? "It kept exactly the order's total" : "It kept nothing" },
    goods(order, released !== undefined),
    { is: once(timeline), says: "No step of the history happened twice" },
  ];
  if (checks.some(({ is }) => !is)) return { state: "wrong", title: "Not right (yet)", checks };
  const seconds = (Date.parse(lastStep(timeline)?.at ?? order.updated_at) - hit.at) / 1000;
  const how = kept
    ? "Finished correctly"
    : refused
      ? "Refused correctly, and waiting to be paid again"
      : "Undone correctly";
  const after =
    seconds < 0
      ? "before anything was broken: be quicker"
      : `${seconds.toFixed(1)} s after ${hit.good ? "that" : "the crash"}`;
  return { state: "right", title: `${how}, ${after}`, checks };
}

const times = (n: number) => (n === 0 ? "never" : n === 1 ? "exactly once" : `${n} times`);

function goods({ status, reservation }: OrderView, released: boolean) {
  if (status === "cancelled") return { is: released, says: "The goods are back on the shelf" };
  if (status === "payment_failed") return { is: !reservation, says: "The goods are held and not sold" };
  return { is: reservation !== null && !released, says: "The goods are reserved" };
}

const answers = ["place", "payments.succeeded", "inventory.reserved", "inventory.released", "payments.refunded"];
const once = (timeline: TimelineEntry[]) =>
  answers.every((answer) => timeline.filter(({ name }) => name === answer).length <= 1);

const lastStep = (timeline: TimelineEntry[]) => timeline.findLast(({ name }) => name !== "asked again");
