import type { OrderView, TimelineEntry } from "../contracts/order.js";
import type { PaymentView } from "../contracts/payment.js";
import { codeWords, reasonWords, shortReason } from "./words.js";

// The saga of an order as a picture: five stations on the way there, and a way back that is lit only when it is taken.

export type State =
  /** Not reached. */
  | "ahead"
  /** Something is under way by itself. */
  | "active"
  /** A person's turn. */
  | "waits"
  | "done"
  | "failed"
  /** Passed by, or never needed. */
  | "skipped";

export const stations = ["placed", "payment", "goods", "shipped", "delivered"] as const;
export const wayBack = ["cancelled", "goodsBack", "moneyBack"] as const;
export type Place = (typeof stations)[number] | (typeof wayBack)[number];

export type Stop = { title: string; state: State; note: string; at: string | null };
export type Attempt = { n: number; state: "pending" | "succeeded" | "failed"; note: string };
export type Picture = {
  stops: Record<Place, Stop>;
  /** Where the order is now. */
  here: Place;
  /** The station from which the way back was taken; null: it was not. */
  turnedAt: (typeof stations)[number] | null;
  attempts: Attempt[];
  /** How often the saga asked again since the last answer, and in all. */
  askedAgain: { now: number; all: number };
  /** Until when the customer may pay, while that is what it waits for. */
  payBy: string | null;
  /** One sentence that says it all. */
  summary: string;
};

type Facts = { order: OrderView; timeline: TimelineEntry[]; payments?: PaymentView[] };

export function picture({ order, timeline, payments = [] }: Facts): Picture {
  const cancelled = order.status === "cancelled";
  const turnedAt = cancelled ? turn(order, timeline) : null;
  const stops = { ...wayThere(order, timeline), ...thenBack(order, timeline) };
  const mayPay =
    (order.status === "payment_required" && order.payment.status === "none") || order.status === "payment_failed";
  return {
    stops,
    here: hereOf(order, stops),
    turnedAt,
    attempts: attemptsOf(order, payments),
    askedAgain: askedAgain(timeline),
    payBy: mayPay ? order.pay_by : null,
    summary: summaryOf(order, stops),
  };
}

const took = (entry: TimelineEntry) => entry.name === "payments.succeeded" || entry.name === "payment recorded";
const timeOf = (timeline: TimelineEntry[], ...names: string[]) =>
  timeline.find(({ name }) => names.includes(name))?.at ?? null;

/** Paid or refused, reserved or not: how far it had come when it was cancelled. */
function turn(order: OrderView, timeline: TimelineEntry[]) {
  if (order.reservation) return "goods";
  if (order.cancel_reason === "out_of_stock") return "goods";
  return timeline.some(took) ? "goods" : "payment";
}

function wayThere(order: OrderView, timeline: TimelineEntry[]): Record<(typeof stations)[number], Stop> {
  const { status, payment, reservation, shipment } = order;
  const paidAt = timeline.find(took)?.at ?? null;
  const isPaid = ["paid", "processing", "shipped", "delivered"].includes(status) || paidAt !== null;
  const ended = status === "cancelled";

  const paying = (): Pick<Stop, "state" | "note"> => {
    if (isPaid) return { state: "done", note: payment.method === "external" ? "paid outside" : "taken once" };
    if (ended)
      return {
        state: payment.code ? "failed" : "skipped",
        note: payment.code ? codeWords(payment.code) : "never taken",
      };
    if (status === "payment_failed") return { state: "waits", note: codeWords(payment.code) };
    if (payment.status === "none") return { state: "waits", note: "the customer's turn" };
    return { state: "active", note: `attempt ${payment.attempt} under way` };
  };
  const goods = (): Pick<Stop, "state" | "note"> => {
    if (reservation) return { state: "done", note: "reserved" };
    if (order.cancel_reason === "out_of_stock") return { state: "failed", note: "not enough stock" };
    if (ended) return { state: "skipped", note: "not reserved" };
    return status === "paid" ? { state: "active", note: "reserving" } : { state: "ahead", note: "held meanwhile" };
  };
  const shipping = (): Pick<Stop, "state" | "note"> => {
    if (shipment?.shipped_at) return { state: "done", note: shipment.carrier ?? "shipped" };
    if (status === "delivered") return { state: "skipped", note: "handed over" };
    if (status === "processing") return { state: "waits", note: "staff packs it" };
    return { state: ended ? "skipped" : "ahead", note: "" };
  };
  const arriving = (): Pick<Stop, "state" | "note"> => {
    if (status === "delivered") return { state: "done", note: "arrived" };
    if (status === "shipped") return { state: "waits", note: "on its way" };
    return { state: ended ? "skipped" : "ahead", note: "" };
  };
  return {
    placed: { title: "Placed", state: "done", note: "stored", at: order.created_at },
    payment: { title: "Payment", ...paying(), at: paidAt },
    goods: { title: "Goods", ...goods(), at: reservation?.reserved_at ?? null },
    shipped: { title: "Shipped", ...shipping(), at: shipment?.shipped_at ?? null },
    delivered: { title: "Delivered", ...arriving(), at: shipment?.delivered_at ?? null },
  };
}

function thenBack(order: OrderView, timeline: TimelineEntry[]): Record<(typeof wayBack)[number], Stop> {
  const { status, payment, cancel_reason } = order;
  const cancelled = status === "cancelled";
  const releasedAt = timeOf(timeline, "inventory.released");
  const refundedAt = timeline.findLast(({ name }) => name === "payments.refunded")?.at ?? null;

  const moneyBack = (): Pick<Stop, "state" | "note"> => {
    switch (payment.refund?.status) {
      case "done":
        return { state: "done", note: "given back once" };
      case "failed":
        return { state: "active", note: "refund failed, tried again" };
      case "pending":
        return payment.method === "external"
          ? { state: "waits", note: "staff pays it back" }
          : { state: "active", note: "on its way back" };
    }
    if (cancelled && payment.status === "pending") return { state: "active", note: "a charge is still open" };
    return cancelled ? { state: "skipped", note: "none was taken" } : { state: "ahead", note: "" };
  };
  const goodsBack = (): Pick<Stop, "state" | "note"> => {
    if (releasedAt) return { state: "done", note: "on the shelf again" };
    return cancelled ? { state: "active", note: "on their way back" } : { state: "ahead", note: "" };
  };
  return {
    cancelled: {
      title: "Cancelled",
      state: cancelled ? "done" : "ahead",
      note: cancelled ? shortReason(cancel_reason) : "",
      at: cancelled ? timeOf(timeline, "cancel", "expire", "inventory.out_of_stock") : null,
    },
    goodsBack: { title: "Goods back", ...goodsBack(), at: releasedAt },
    moneyBack: { title: "Money back", ...moneyBack(), at: refundedAt },
  };
}

function hereOf({ status }: OrderView, stops: Record<Place, Stop>): Place {
  if (status !== "cancelled")
    return stations.find((place) => ["active", "waits", "failed"].includes(stops[place].state)) ?? "delivered";
  if (stops.goodsBack.state !== "done") return "cancelled";
  return stops.moneyBack.state === "skipped" || stops.moneyBack.state === "active" ? "goodsBack" : "moneyBack";
}

/** An attempt that another one followed was refused. */
function attemptsOf({ payment }: OrderView, payments: PaymentView[]): Attempt[] {
  return Array.from({ length: payment.attempt }, (_, before) => {
    const n = before + 1;
    const known = payments.find(({ attempt }) => attempt === n);
    if (n < payment.attempt) return { n, state: "failed", note: codeWords(known?.code ?? null) };
    if (payment.status === "succeeded") return { n, state: "succeeded", note: "taken" };
    if (payment.status === "failed") return { n, state: "failed", note: codeWords(payment.code) };
    return { n, state: "pending", note: "under way" };
  });
}

function askedAgain(timeline: TimelineEntry[]): Picture["askedAgain"] {
  const isAsk = ({ name }: TimelineEntry) => name === "asked again";
  const lastAnswer = timeline.findLastIndex((entry) => !isAsk(entry));
  return { now: timeline.length - 1 - lastAnswer, all: timeline.filter(isAsk).length };
}

function summaryOf({ status, payment, cancel_reason, shipment }: OrderView, stops: Record<Place, Stop>): string {
  switch (status) {
    case "payment_required":
      return payment.status === "none"
        ? "It waits for the customer to pay."
        : `Payment attempt ${payment.attempt} is under way.`;
    case "payment_failed":
      return `Payment attempt ${payment.attempt} was refused (${codeWords(payment.code)}). It may be paid again.`;
    case "paid":
      return "It is paid. Its goods are being reserved.";
    case "processing":
      return "Paid and reserved. Staff packs it.";
    case "shipped":
      return `On its way with ${shipment?.carrier ?? "a carrier"}, tracking number ${shipment?.tracking_number ?? "unknown"}.`;
    case "delivered":
      return "It has arrived. Everything is done.";
    case "cancelled": {
      const open = [stops.goodsBack, stops.moneyBack].filter(({ state }) => state === "active" || state === "waits");
      const rest =
        open.length === 0
          ? stops.moneyBack.state === "done"
            ? "Money and goods are back."
            : "Nothing was taken; the goods are back."
          : open.map(({ title, note }) => `${title}: ${note}.`).join(" ");
      return `Cancelled: ${reasonWords(cancel_reason)}. ${rest}`;
    }
  }
}
