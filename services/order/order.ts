import type { EventOf } from "../../contracts/events.js";
import { toMinor } from "../../contracts/money.js";
import {
  maxMetadata,
  type OrderView,
  type PatchOrder,
  type Status,
  type TimelineEntry,
} from "../../contracts/order.js";

// Every rule about orders is here: which move is legal, what it costs, who is told. Money is in minor units.

export type Line = { product_id: string; name: string; quantity: number; price: number };

/** Money to give back, by the payment it came with. */
export type Refund = {
  payment_id: string;
  amount: number;
  currency: string;
  status: "pending" | "failed" | "done";
  refund_id: string | null;
};

export type Order = {
  id: string;
  user_id: string;
  status: Status;
  items: Line[];
  subtotal: number;
  tax: number;
  total: number;
  currency: string;
  customer_notes: string | null;
  metadata: Record<string, string>;
  pay_by: string;
  payment: {
    status: "none" | "pending" | "succeeded" | "failed";
    attempt: number;
    method: string | null;
    payment_id: string | null;
    payment_date: string | null;
    amount: number | null;
    code: string | null;
    reason: string | null;
    external: boolean;
  };
  refunds: Refund[];
  reservation: { reservation_id: string; reserved_at: string } | null;
  shipment: OrderView["shipment"];
  released_at: string | null;
  cancel_reason: string | null;
  cancelled_at: string | null;
  created_at: string;
  updated_at: string;
  /** Deleted softly: the row stays for the saga and for reconciliation, nobody is shown it. */
  deleted_at?: string;
  version: number;
  /** The saga asks again after so many seconds, then after twice as many, and so on. Fixed at creation, like pay_by. */
  repeat_seconds: number;
  /** Timeline entries so far. */
  seq: number;
  /** Fingerprint of the request that made it: the same key with another body is refused. */
  request_hash: string;
  /** W3C trace context of its placing. */
  traceparent?: string;
  /** Ids of commands and events applied: the inbox, in the row it protects. */
  applied: string[];
};

export type Command =
  /** `foreign`: not from our payment service, which then has to register it. */
  | { type: "payment_succeeded"; event: EventOf<"payments.succeeded">; foreign?: boolean }
  | { type: "payment_failed"; event: EventOf<"payments.failed"> }
  | { type: "refunded"; event: EventOf<"payments.refunded"> }
  | { type: "refund_failed"; event: EventOf<"payments.refund_failed"> }
  | { type: "reserved"; event: EventOf<"inventory.reserved"> }
  | { type: "out_of_stock"; event: EventOf<"inventory.out_of_stock"> }
  | { type: "released"; event: EventOf<"inventory.released"> }
  | { type: "pay"; method: string }
  | { type: "record_payment"; payment_id: string; reference: string }
  | { type: "ship"; tracking_number: string; carrier: string }
  | { type: "deliver" }
  | { type: "cancel"; reason: string }
  /** `versions`: only when the order has one of these, which is what If-Match asks for. */
  | { type: "annotate"; patch: PatchOrder; versions?: number[] | undefined }
  | { type: "remove" }
  | { type: "expire" }
  | { type: "remind" };

/** Where a decision is made: time, who asks, and the trace it belongs to. */
export type At = { now: string; actor: string; trace_id: string | null };

/** Something the world is told once the change is stored. Events are built from the order, so a repeat is the same. */
export type Effect =
  | { publish: "orders.created" | "payments.requested" | "orders.paid" | "orders.payment_failed" }
  | { publish: "orders.processing" | "orders.shipped" | "orders.delivered" | "orders.cancelled" }
  | { refund: { payment_id: string; amount: number; currency: string; reason: string } }
  | { register: { payment_id: string; reference: string } }
  | { saga: "tell" | "another" };

export type Decision =
  | { kind: "changed"; order: Order; entry: TimelineEntry; effects: Effect[] }
  | { kind: "unchanged" }
  /** The order is not of a version that the command was meant for. */
  | { kind: "stale" }
  /** Illegal now; nothing changes. `allowed`: the statuses a request may ask for instead. */
  | { kind: "refused"; reason: string; allowed: Status[] };

const unchanged: Decision = { kind: "unchanged" };

/** What may be asked of an order by status. Processing is inventory's to bring, nobody sets it by hand. */
const moves: Record<Status, Status[]> = {
  payment_required: ["paid", "cancelled"],
  payment_failed: ["paid", "cancelled"],
  paid: ["cancelled"],
  processing: ["shipped", "delivered", "cancelled"],
  shipped: ["delivered"],
  delivered: [],
  cancelled: [],
};

export const allowedFrom = (status: Status): Status[] => moves[status];

export const noPayment: Order["payment"] = {
  status: "none",
  attempt: 0,
  method: null,
  payment_id: null,
  payment_date: null,
  amount: null,
  code: null,
  reason: null,
  external: false,
};

/** The one place that knows which move is legal. Late or repeated facts change nothing. */
export function decide(order: Order, command: Command, at: At): Decision {
  const { status, payment } = order;
  switch (command.type) {
    case "payment_succeeded":
      return paymentSucceeded(order, command.event, command.foreign ?? false, at);

    case "payment_failed": {
      const { attempt, reason, code } = command.event;
      if (payment.status !== "pending" || (attempt ?? payment.attempt) !== payment.attempt) return unchanged;
      const failed: Partial<Order> = { payment: { ...payment, status: "failed", code, reason } };
      if (status === "cancelled") return change(order, at, "event", "payments.failed", failed, [{ saga: "tell" }]);
      if (status !== "payment_required") return unchanged;
      return change(order, at, "status", "payments.failed", { ...failed, status: "payment_failed" }, [
        { publish: "orders.payment_failed" },
      ]);
    }

    case "reserved": {
      if (status !== "paid")
        return status === "payment_required" || status === "payment_failed" ? refuse(order) : unchanged;
      const { reservation_id, reserved_at } = command.event;
      return change(
        order,
        at,
        "status",
        "inventory.reserved",
        { status: "processing", reservation: { reservation_id, reserved_at } },
        [{ publish: "orders.processing" }, { saga: "tell" }],
      );
    }

    case "out_of_stock":
      return moves[status].includes("cancelled")
        ? cancel(order, "out_of_stock", "inventory.out_of_stock", at)
        : unchanged;

    case "released":
      if (status !== "cancelled" || order.released_at) return unchanged;
      return change(order, at, "event", "inventory.released", { released_at: command.event.released_at }, [
        { saga: "tell" },
      ]);

    case "refunded": {
      const { payment_id, refund_id } = command.event;
      // The money that it counts was given back in a past that the order, restored from a back-up, does not know.
      const unpaid = payment_id === payment.payment_id && (status === "paid" || status === "processing");
      return unpaid
        ? cancel(order, "refunded", "payments.refunded", at, refund_id)
        : settleRefund(order, payment_id, "done", refund_id, at);
    }

    case "refund_failed":
      return settleRefund(order, command.event.payment_id, "failed", command.event.refund_id, at);

    case "pay": {
      const waits = status === "payment_failed" || (status === "payment_required" && payment.status === "none");
      if (!waits || at.now >= order.pay_by) return refuse(order, waits ? "the time to pay is over" : undefined);
      const next: Order["payment"] = {
        ...noPayment,
        status: "pending",
        attempt: payment.attempt + 1,
        method: command.method,
      };
      return change(order, at, "status", "pay", { status: "payment_required", payment: next }, [
        { publish: "payments.requested" },
        { saga: "tell" },
      ]);
    }

    case "record_payment": {
      if (payment.payment_id === command.payment_id) return unchanged;
      if (!moves[status].includes("paid")) return refuse(order);
      if (payment.status === "pending") return refuse(order, "a payment attempt is under way");
      const { payment_id, reference } = command;
      const taken = { payment_id, payment_date: at.now, method: "external", amount: order.total, external: true };
      return change(order, at, "status", "payment recorded", paid(order, taken), [
        { register: { payment_id, reference } },
        { publish: "orders.paid" },
        { saga: "tell" },
      ]);
    }

    case "ship": {
      if (status === "shipped") return unchanged;
      if (status !== "processing") return refuse(order);
      const { tracking_number, carrier } = command;
      const shipment = { tracking_number, carrier, shipped_at: at.now, delivered_at: null };
      return change(order, at, "status", "ship", { status: "shipped", shipment }, [{ publish: "orders.shipped" }]);
    }

    case "deliver": {
      if (status === "delivered") return unchanged;
      if (!moves[status].includes("delivered")) return refuse(order);
      const handedOver = order.shipment ?? { tracking_number: null, carrier: null, shipped_at: null };
      const shipment = { ...handedOver, delivered_at: at.now };
      return change(order, at, "status", "deliver", { status: "delivered", shipment }, [
        { publish: "orders.delivered" },
        { saga: "tell" },
      ]);
    }

    case "cancel":
      if (status === "cancelled") return unchanged;
      return moves[status].includes("cancelled") ? cancel(order, command.reason, "cancel", at) : refuse(order);

    case "annotate": {
      if (command.versions && !command.versions.includes(order.version)) return { kind: "stale" };
      const next = annotated(order, command.patch);
      if (Object.keys(next.metadata).length > maxMetadata)
        return refuse(order, `metadata may have ${maxMetadata} entries`);
      const same = JSON.stringify(next) === JSON.stringify(annotated(order, {}));
      return same ? unchanged : change(order, at, "event", "annotate", next, []);
    }

    case "remove": {
      const over = status === "delivered" || status === "cancelled";
      if (progress(order).phase !== "ended")
        return refuse(order, over ? "money or goods are still on their way back" : `the order is ${status}`);
      return change(order, at, "event", "remove", { deleted_at: at.now }, []);
    }

    case "expire":
      if (status !== "payment_required" && status !== "payment_failed") return unchanged;
      if (payment.status === "pending" || at.now < order.pay_by) return refuse(order, "the window is not over");
      return cancel(order, "payment_window_over", "expire", at);

    case "remind": {
      const asked = unanswered(order);
      return asked.length > 0 ? change(order, at, "saga", "asked again", {}, asked) : unchanged;
    }

    default:
      return command satisfies never;
  }
}

/** A success counts once: in payment_required, for the current attempt, amount and currency. All others go back. */
function paymentSucceeded(order: Order, event: EventOf<"payments.succeeded">, foreign: boolean, at: At): Decision {
  const { payment, status } = order;
  if (event.payment_id === payment.payment_id) return unchanged;
  const { payment_id, currency } = event;
  const amount = toMinor(event.amount, currency);
  if (amount === undefined || amount < 0) return refuse(order, `${event.amount} is no amount of ${currency}`);
  // While a charge of ours is under way no other money counts: the order would forget to give that charge back.
  const current = (event.attempt ?? payment.attempt) === payment.attempt && !(foreign && payment.status === "pending");
  const right = amount === order.total && currency === order.currency;
  // An attempt that the order, restored from a back-up, does not know. Its key is used, so it must count.
  const attempt = event.attempt ?? payment.attempt;
  const forgotten =
    event.recovered &&
    !foreign &&
    attempt > payment.attempt &&
    (status === "payment_required" || status === "payment_failed");
  if (((status === "payment_required" && current) || forgotten) && right) {
    const { payment_date, payment_method } = event;
    const taken = { payment_id, payment_date, attempt, method: payment_method, amount, external: foreign };
    const register: Effect[] = foreign
      ? [{ register: { payment_id, reference: event.provider_id } }, { saga: "tell" }]
      : [];
    return change(order, at, "status", "payments.succeeded", paid(order, taken), [
      ...register,
      { publish: "orders.paid" },
    ]);
  }
  if (order.refunds.some((refund) => refund.payment_id === event.payment_id)) return unchanged;
  const refund: Refund = { payment_id, amount, currency, status: "pending", refund_id: null };
  const answered: Partial<Order> =
    status === "cancelled" && current && payment.status === "pending"
      ? { payment: { ...payment, status: "succeeded", payment_id, amount } }
      : {};
  return change(
    order,
    at,
    "event",
    "payments.succeeded (not counted)",
    { ...answered, refunds: [...order.refunds, refund] },
    // A saga that has ended is not woken again: another one sees to this refund.
    [...askBack(refund), { saga: progress(order).phase === "ended" ? "another" : "tell" }],
  );
}

type Taken = Pick<Order["payment"], "payment_id" | "payment_date" | "method" | "amount" | "external"> & {
  attempt?: number;
};
const paid = (order: Order, taken: Taken): Partial<Order> => ({
  status: "paid",
  payment: { ...order.payment, ...taken, status: "succeeded", code: null, reason: null },
});

/** One path for every cancel: the status, the debt and the event in one change; answers complete it. */
function cancel(order: Order, reason: string, name: string, at: At, refundId: string | null = null): Decision {
  const { payment } = order;
  const owed: Refund[] =
    payment.status === "succeeded"
      ? [
          {
            payment_id: payment.payment_id as string,
            amount: payment.amount as number,
            currency: order.currency,
            status: refundId ? "done" : "pending",
            refund_id: refundId,
          },
        ]
      : [];
  const next: Partial<Order> = {
    status: "cancelled",
    cancel_reason: reason,
    cancelled_at: at.now,
    refunds: [...order.refunds, ...owed],
  };
  return change(order, at, "status", name, next, [{ publish: "orders.cancelled" }, { saga: "tell" }]);
}

function settleRefund(order: Order, paymentId: string, status: "done" | "failed", refundId: string, at: At): Decision {
  const open = order.refunds.find((refund) => refund.payment_id === paymentId);
  if (!open || open.status === "done" || open.status === status) return unchanged;
  const refunds = order.refunds.map((refund) =>
    refund === open ? { ...refund, status, refund_id: refundId } : refund,
  );
  const effects: Effect[] = status === "done" ? [{ saga: "tell" }] : [];
  return change(
    order,
    at,
    "event",
    status === "done" ? "payments.refunded" : "payments.refund_failed",
    { refunds },
    effects,
  );
}

/** Notes replaced, metadata merged key by key: null takes a key away. */
function annotated(order: Order, { customer_notes, metadata = {} }: PatchOrder) {
  const merged = Object.entries({ ...order.metadata, ...metadata }).filter(([, value]) => value !== null);
  return {
    customer_notes: customer_notes === undefined ? order.customer_notes : customer_notes,
    metadata: Object.fromEntries(merged) as Record<string, string>,
  };
}

function refuse(order: Order, reason?: string): Decision {
  const allowed = moves[order.status];
  const instead = allowed.length > 0 ? `it may become ${allowed.join(", ")}` : "it stays so";
  return { kind: "refused", reason: reason ?? `the order is ${order.status}; ${instead}`, allowed };
}

/** The next version of an order, with the timeline entry that says what happened and what the world is told. */
export function change(
  order: Order,
  at: At,
  kind: TimelineEntry["kind"],
  name: string,
  next: Partial<Order>,
  effects: Effect[],
): Decision & { kind: "changed" } {
  const changed = { ...order, ...next, version: order.version + 1, seq: order.seq + 1, updated_at: at.now };
  const { now, actor, trace_id } = at;
  const entry: TimelineEntry = { seq: changed.seq, at: now, kind, name, status: changed.status, actor, trace_id };
  return { kind: "changed", order: changed, entry, effects };
}

/** Requests whose answer the stored order still waits for; the saga says them again. */
function unanswered(order: Order): Effect[] {
  const { status, payment } = order;
  const charge: Effect[] =
    payment.status === "pending" ? [{ publish: payment.attempt === 1 ? "orders.created" : "payments.requested" }] : [];
  if (status === "cancelled") return isSettled(order) ? [] : [{ publish: "orders.cancelled" }, ...charge];
  const refunds = order.refunds.flatMap(askBack);
  if (status === "paid") return [{ publish: "orders.paid" }, ...refunds];
  return [...charge, ...refunds];
}

const askBack = ({ payment_id, amount, currency, status }: Refund): Effect[] =>
  status === "done" ? [] : [{ refund: { payment_id, amount, currency, reason: "not counted" } }];

/** A cancelled order is done with when stock and money are back and no charge is still under way. */
const isSettled = (order: Order): boolean =>
  order.released_at !== null && order.payment.status !== "pending" && allBack(order);

const allBack = ({ refunds }: Order): boolean => refunds.every(({ status }) => status === "done");

/** What the saga has to know of the stored order. */
export type Progress = {
  /** Of the order, which tells news from what was overtaken. */
  version: number;
  phase: "paying" | "delivering" | "giving_back" | "ended";
  /** An answer is outstanding: worth asking again. */
  waiting: boolean;
};
export function progress(order: Order): Progress {
  const { status } = order;
  const phase = (): Progress["phase"] => {
    if (status === "delivered") return allBack(order) ? "ended" : "delivering";
    if (status === "cancelled") return isSettled(order) ? "ended" : "giving_back";
    return status === "processing" || status === "shipped" ? "delivering" : "paying";
  };
  return { version: order.version, phase: phase(), waiting: unanswered(order).length > 0 };
}
