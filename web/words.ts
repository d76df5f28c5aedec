import type { OrderView, Status, TimelineEntry } from "../contracts/order.js";
import type { PaymentMethod } from "../contracts/payment.js";

// What the platform's names mean to people.

export const statusWords: Record<Status, string> = {
  payment_required: "Awaiting payment",
  payment_failed: "Payment refused",
  paid: "Paid",
  processing: "Being packed",
  shipped: "On its way",
  delivered: "Delivered",
  cancelled: "Cancelled",
};

export type Tone = "wait" | "fail" | "go" | "ok" | "back" | "still";
export const statusTone: Record<Status, Tone> = {
  payment_required: "wait",
  payment_failed: "fail",
  paid: "go",
  processing: "go",
  shipped: "go",
  delivered: "ok",
  cancelled: "still",
};

export const methods: Record<PaymentMethod, { name: string; does: string }> = {
  card_ok: { name: "Good card", does: "is charged at once" },
  card_declined: { name: "Declined card", does: "is refused; pay again" },
  card_insufficient_funds: { name: "Empty card", does: "lacks the money; pay again" },
  card_timeout_then_ok: { name: "Slow card", does: "is charged, but answers late" },
  card_flaky: { name: "Flaky card", does: "fails twice, then works" },
  card_refund_fails_once: { name: "Stubborn card", does: "refuses its first refund" },
};
export const methodName = (method: string | null): string =>
  method === null ? "no card yet" : (methods[method as PaymentMethod]?.name ?? method);

const codes: Record<string, string> = {
  card_declined: "the bank declined it",
  insufficient_funds: "not enough money on the card",
};
export const codeWords = (code: string | null): string => (code ? (codes[code] ?? code) : "refused");

const reasons: Record<string, string> = {
  customer: "the customer did not want it any more",
  staff: "staff cancelled it",
  out_of_stock: "there was not enough stock",
  payment_window_over: "the time to pay was over",
  refunded: "its money was given back",
};
export const reasonWords = (reason: string | null): string =>
  reason ? (reasons[reason] ?? reason) : "no reason given";

const shortReasons: Record<string, string> = {
  customer: "by the customer",
  staff: "by staff",
  out_of_stock: "out of stock",
  payment_window_over: "not paid in time",
  refunded: "money given back",
};
/** The same for where there is little room. */
export const shortReason = (reason: string | null): string => (reason ? (shortReasons[reason] ?? reason) : "");

const entries: Record<string, string> = {
  place: "Order placed",
  pay: "Another payment asked for",
  "payments.succeeded": "Payment succeeded",
  "payments.failed": "Payment refused",
  "payments.succeeded (not counted)": "Money came that does not count: it is given back",
  "payments.refunded": "Money given back",
  "payments.refund_failed": "Refund failed, it is tried again",
  "payment recorded": "Payment outside of the platform recorded",
  "inventory.reserved": "Goods reserved",
  "inventory.out_of_stock": "Not enough stock",
  "inventory.released": "Goods back on the shelf",
  ship: "Shipped",
  deliver: "Delivered",
  cancel: "Cancelled",
  expire: "Time to pay over: cancelled",
  "asked again": "No answer for a while: asked again",
  annotate: "Notes changed",
  remove: "Deleted",
};
export const entryWords = ({ name }: Pick<TimelineEntry, "name">): string => entries[name] ?? name;

/** Who did it: a service, the saga, or one of these two people. */
export function actorWords(actor: string, order: Pick<OrderView, "user_id">, me: string | undefined): string {
  if (actor === me) return "you";
  if (actor === order.user_id) return "the customer";
  return /^[0-9a-f-]{36}$/.test(actor) ? "staff" : actor;
}

const formats = new Map<string, Intl.NumberFormat>();
/** "18.50", "EUR" → "€18.50". */
export function money(amount: string, currency: string): string {
  let format = formats.get(currency);
  if (!format) {
    format = new Intl.NumberFormat("en", { style: "currency", currency });
    formats.set(currency, format);
  }
  return format.format(Number(amount));
}

const clockFormat = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const dayFormat = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
export const clock = (at: string | number): string => clockFormat.format(new Date(at));
/** The time, with the day when that is not today's. */
export function when(at: string | number, now = Date.now()): string {
  const day = dayFormat.format(new Date(at));
  return day === dayFormat.format(now) ? clock(at) : `${day}, ${clock(at)}`;
}

/** 75_000 → "1:15"; less than nothing is nothing. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  const tail = `${String(m).padStart(h ? 2 : 1, "0")}:${String(s).padStart(2, "0")}`;
  return h ? `${h}:${tail}` : tail;
}

/** 90_000 → "1 min". */
export function age(ms: number): string {
  if (ms < 60_000) return `${Math.max(0, Math.round(ms / 1000))} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min`;
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h`;
  return `${Math.floor(ms / 86_400_000)} d`;
}

export const short = (id: string): string => id.slice(0, 8);
