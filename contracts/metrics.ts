import { Consumer } from "./admin.js";
import { type Topic, topics } from "./events.js";
import { Status } from "./order.js";

// Every number that a service tells its operators: kit/metrics.ts makes the instruments from this table, and `npm run docs`
// makes docs/metrics.md. No attribute ever holds an id, a raw path or what a client has written.

export const services = ["api-gateway", "product", "order", "user", "payment", "notification", "inventory"] as const;
export type Service = (typeof services)[number];

/** All that an attribute may be, here or at this service; or, in words, what it is one of. */
type Values = readonly string[] | ((service: string) => readonly string[]) | string;

/** Names and units as OpenTelemetry writes them; a histogram's buckets in its unit. */
type Instrument = {
  kind: "counter" | "histogram" | "gauge";
  unit: string;
  says: string;
  by: readonly Service[];
  attributes: Record<string, Values>;
  buckets?: readonly number[];
};

const withOutbox = ["order", "payment", "inventory"] as const;
/** Milliseconds to ten seconds: what somebody waits for. */
const quick = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const messages = ["event", "saga_start", "saga_hint", "question"] as const;
const phases = ["paying", "delivering", "giving_back"] as const;
export const open = Status.exclude(["delivered", "cancelled"]).options;
export const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] as const;
/** Why an order was cancelled, or money given back; what people write as their reason is "other". */
export const causes = [
  "customer",
  "staff",
  "out_of_stock",
  "payment_window_over",
  "refunded",
  "not_counted",
  "other",
] as const;
const heardBy = (service: string) =>
  (Object.keys(topics) as Topic[]).filter((topic) => topics[topic].to.some((to) => to === service));

export const metrics = {
  "http.server.request.duration": {
    kind: "histogram",
    unit: "s",
    says: "Requests until the answer begins, health probes left out. No route: nothing has this path.",
    by: services,
    attributes: {
      "http.request.method": [...methods, "_OTHER"],
      "http.route": "the routes of the service, as patterns",
      "http.response.status_code": "the statuses it answers with",
    },
    buckets: quick,
  },
  "rate_limit.refusals": {
    kind: "counter",
    unit: "{request}",
    says: "Requests answered 429.",
    by: ["api-gateway"],
    attributes: { limit: ["requests_per_minute", "sign_ins_per_minute"] },
  },
  "messaging.process.duration": {
    kind: "histogram",
    unit: "s",
    says: "Events heard, each delivery counted. `set_aside`: it became a dead letter; `failed`: it comes again.",
    by: Consumer.options,
    attributes: { "messaging.destination.name": heardBy, outcome: ["handled", "set_aside", "failed"] },
    buckets: quick,
  },
  "dead_letters.stored": {
    kind: "counter",
    unit: "{message}",
    says: "Messages set aside, each once.",
    by: Consumer.options,
    attributes: { "messaging.destination.name": (service) => [...heardBy(service), `dead-letter.${service}`] },
  },
  "dead_letters.waiting": {
    kind: "gauge",
    unit: "{message}",
    says: "Dead letters that nobody has re-driven or thrown away.",
    by: Consumer.options,
    attributes: {},
  },
  "outbox.send.duration": {
    kind: "histogram",
    unit: "s",
    says: "What Dapr was handed, by kind; `failed` is left to the relay.",
    by: withOutbox,
    attributes: { kind: messages, outcome: ["sent", "failed"] },
    buckets: quick,
  },
  "outbox.pending": {
    kind: "gauge",
    unit: "{row}",
    says: "Outbox rows that are due and not sent; a row that is due later is no lag.",
    by: withOutbox,
    attributes: {},
  },
  "outbox.oldest.age": {
    kind: "gauge",
    unit: "s",
    says: "Since when the oldest of them has been due; 0 without any.",
    by: withOutbox,
    attributes: {},
  },
  "orders.placed": {
    kind: "counter",
    unit: "{order}",
    says: "Orders stored.",
    by: ["order"],
    attributes: { from: ["api", "upstream"] },
  },
  "orders.transitions": {
    kind: "counter",
    unit: "{order}",
    says: "Orders that came to a status. A new order counts as placed, and here when it comes to payment_required again.",
    by: ["order"],
    attributes: { to: Status.options },
  },
  "orders.open": {
    kind: "gauge",
    unit: "{order}",
    says: "Orders that have not ended, by status.",
    by: ["order"],
    attributes: { status: open },
  },
  "orders.time_to_processing": {
    kind: "histogram",
    unit: "s",
    says: "From placed to processing. `at_once`: paid with the first charge, so that nobody but the system took time.",
    by: ["order"],
    attributes: { paid: ["at_once", "later"] },
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60],
  },
  "orders.compensations": {
    kind: "counter",
    unit: "{order}",
    says: "Money that became owed to a customer, and stock that a cancelled order gave back.",
    by: ["order"],
    attributes: { of: ["money", "stock"], cause: causes },
  },
  "orders.stuck": {
    kind: "gauge",
    unit: "{order}",
    says: "Orders that the system should have brought on: a minute past their time to pay, or 10 minutes after their cancel, if it is not for people to pay back.",
    by: ["order"],
    attributes: { phase: ["paying", "giving_back"] },
  },
  "orders.refunds.pending": {
    kind: "gauge",
    unit: "{order}",
    says: "Cancelled orders whose money is not all back. `staff`: paid outside, and so given back by people.",
    by: ["order"],
    attributes: { by: ["provider", "staff"] },
  },
  "orders.refund.duration": {
    kind: "histogram",
    unit: "s",
    says: "From the cancel to money that is back.",
    by: ["order"],
    attributes: { by: ["provider", "staff"] },
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600],
  },
  "sagas.open": {
    kind: "gauge",
    unit: "{saga}",
    says: "Sagas that have not ended, by phase.",
    by: ["order"],
    attributes: { phase: phases },
  },
  "saga.age": {
    kind: "gauge",
    unit: "s",
    says: "The oldest of them: since it was placed, or cancelled; 0 without any.",
    by: ["order"],
    attributes: { phase: phases },
  },
  "saga.step.duration": {
    kind: "histogram",
    unit: "s",
    says: "Steps (workflow activities); a failed one is tried again.",
    by: ["order"],
    attributes: { step: ["askAgain", "expire"], outcome: ["done", "failed"] },
    buckets: quick,
  },
  "saga.repeats": {
    kind: "counter",
    unit: "{repeat}",
    says: "Requests said again, because their answer did not come.",
    by: ["order"],
    attributes: {},
  },
  "saga.unknown": {
    kind: "counter",
    unit: "{turn}",
    says: "Turns of sagas that this build does not know, and that wait for one that does.",
    by: ["order"],
    attributes: {},
  },
  "saga.worker.restarts": {
    kind: "counter",
    unit: "{restart}",
    says: "Workflow workers made anew: it had stopped, or the sidecar did not take it; at last the sidecar was ended.",
    by: ["order"],
    attributes: { cause: ["stopped", "not_taken", "sidecar_ended"] },
  },
  "reconciliation.findings": {
    kind: "gauge",
    unit: "{finding}",
    says: "Differences that reconciliation has found and nobody has put right.",
    by: ["order"],
    attributes: { kind: ["payment", "provider", "reservation", "stock"] },
  },
  "reconciliation.age": {
    kind: "gauge",
    unit: "s",
    says: "Since the moment that the last finished run speaks of; absent before the first.",
    by: ["order"],
    attributes: {},
  },
  "payments.provider.duration": {
    kind: "histogram",
    unit: "s",
    says: "Calls of the payment provider. `unknown`: no answer, or none that says what happened.",
    by: ["payment"],
    attributes: { operation: ["charge", "refund"], outcome: ["succeeded", "declined", "unknown", "done", "failed"] },
    buckets: quick,
  },
  "stock.units": {
    kind: "gauge",
    unit: "{unit}",
    says: "Units of all products together. `held` is part of `on_hand`.",
    by: ["inventory"],
    attributes: { state: ["on_hand", "held", "reserved"] },
  },
  "stock.products": {
    kind: "gauge",
    unit: "{product}",
    says: "Products by whether a unit of them may be sold.",
    by: ["inventory"],
    attributes: { state: ["available", "sold_out"] },
  },
  "process.uptime": { kind: "gauge", unit: "s", says: "Since the process began.", by: services, attributes: {} },
  "process.cpu.time": { kind: "counter", unit: "s", says: "CPU, user and system.", by: services, attributes: {} },
  "process.memory.usage": { kind: "gauge", unit: "By", says: "Resident memory.", by: services, attributes: {} },
  "nodejs.eventloop.delay.p99": {
    kind: "gauge",
    unit: "s",
    says: "How late timers fire, 99th percentile of the last 15 s.",
    by: services,
    attributes: {},
  },
} as const satisfies Record<string, Instrument>;

export type Name = keyof typeof metrics;
type OfKind<K extends Instrument["kind"]> = {
  [N in Name]: (typeof metrics)[N]["kind"] extends K ? N : never;
}[Name];
export type Counter = OfKind<"counter">;
export type Histogram = OfKind<"histogram">;
export type Gauge = OfKind<"gauge">;

type ValueOf<V> = V extends readonly (infer W extends string)[] ? W : string;
export type AttributesOf<N extends Name> = {
  [A in keyof (typeof metrics)[N]["attributes"]]: ValueOf<(typeof metrics)[N]["attributes"][A]>;
};

const suffixes: Record<string, string> = { s: "_seconds", By: "_bytes" };
/** The name that Prometheus is told: dots become underscores, units and counters are named. */
export function exportedName(name: Name): string {
  const { unit, kind } = metrics[name];
  return `${name.replaceAll(".", "_")}${suffixes[unit] ?? ""}${kind === "counter" ? "_total" : ""}`;
}

/** Every value of a metric's attributes at a service; undefined where the table has them in words only. */
export function combinations(name: Name, service: string): Record<string, string>[] | undefined {
  let all: Record<string, string>[] = [{}];
  for (const [attribute, values] of Object.entries<Values>(metrics[name].attributes)) {
    if (typeof values === "string") return undefined;
    const each = typeof values === "function" ? values(service) : values;
    all = all.flatMap((some) => each.map((value) => ({ ...some, [attribute]: value })));
  }
  return all;
}
