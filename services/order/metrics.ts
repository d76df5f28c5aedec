import type { causes } from "../../contracts/metrics.js";
import type { TimelineEntry } from "../../contracts/order.js";
import { count, measure } from "../../kit/metrics.js";
import type { Order } from "./order.js";

type Cause = (typeof causes)[number];
/** Reasons that are ours; people may write anything. */
const known: Cause[] = ["customer", "staff", "out_of_stock", "payment_window_over", "refunded"];

const secondsBetween = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 1000;
const causeOf = ({ status, cancel_reason }: Order): Cause =>
  status === "cancelled" ? (known.find((cause) => cause === cancel_reason) ?? "other") : "not_counted";

/** A change of an order that was stored. */
export function countChange(before: Order, after: Order, { kind, name }: TimelineEntry): void {
  if (kind === "status") count("orders.transitions", { to: after.status });
  if (name === "asked again") count("saga.repeats", {});
  if (kind === "status" && after.status === "processing") measureWay(after);
  if (name === "inventory.released") count("orders.compensations", { of: "stock", cause: causeOf(after) });
  countRefunds(before, after);
}

/** Nothing came between placing, paying and reserving: nobody was waited for. */
function measureWay({ created_at, updated_at, version, payment }: Order): void {
  const paid = version === 3 && !payment.external ? "at_once" : "later";
  measure("orders.time_to_processing", secondsBetween(created_at, updated_at), { paid });
}

function countRefunds(before: Order, after: Order): void {
  if (after.refunds.length > before.refunds.length) {
    const cause = before.status === after.status ? "not_counted" : causeOf(after);
    count("orders.compensations", { of: "money", cause });
  }
  const done = ({ refunds }: Order) => refunds.filter(({ status }) => status === "done").length;
  if (after.cancelled_at === null || done(after) === done(before)) return;
  const by = after.payment.external ? "staff" : "provider";
  measure("orders.refund.duration", secondsBetween(after.cancelled_at, after.updated_at), { by });
}
