import type { DeadLetter, Finding } from "../contracts/admin.js";
import { toDecimal, toMinor } from "../contracts/money.js";
import type { OrderView, TimelineEntry } from "../contracts/order.js";
import type { Acknowledged } from "./customer.js";
import type { Inflicted } from "./faults.js";

// What counts as lost, stuck, doubled and drift, decided on collected facts alone.

export type Entry = Pick<TimelineEntry, "seq" | "at" | "kind" | "name" | "status">;
type Movement = { status: string; amount: number };
export type Statement = {
  reference: string;
  charges: (Movement & { charge_id: string })[];
  refunds: (Movement & { charge_id: string })[];
  net: number;
};
export type Books = { product_id: string; initial: number; on_hand: number; held: number; reserved: number };

export type Facts = {
  /** Every Idempotency-Key that was ever sent, and what was answered with 2xx. */
  keys: Set<string>;
  acknowledged: Acknowledged[];
  /** What no client should ever be answered: 500, or what is not as the contract says. */
  strange: string[];
  orders: OrderView[];
  history: Map<string, Entry[]>;
  statements: Statement[];
  /** How many messages the customer was sent, by order and topic. */
  notifications: Map<string, number>;
  stock: Books[];
  findings: Finding[];
  deadLetters: DeadLetter[];
  /** State of each order's workflow, by instance id. One LOST or FAILED by Dapr (dapr/dapr#10155) begins anew when needed. */
  sagas: Map<string, string>;
  /** Outbox rows still there, by service. */
  unsaid: Record<string, number>;
  faults: Inflicted[];
};

export type Verdict = {
  lost: string[];
  stuck: string[];
  doubled: string[];
  drift: string[];
  strangeSagas: string[];
  deadLetters: string[];
  strange: string[];
};

/** What Dapr makes of a saga that it has spoilt: it counts by what it leaves undone. */
export const spoilt = ["LOST", "FAILED"];

export function verdictOf(facts: Facts): Verdict {
  return {
    lost: [...lostChanges(facts), ...lostHistory(facts), ...messages(facts, (found, due) => found < due)],
    stuck: stuck(facts),
    doubled: [
      ...doubledOrders(facts),
      ...doubledMoney(facts),
      ...doubledMoves(facts),
      ...messages(facts, (found, due) => found > due),
    ],
    drift: [
      ...facts.findings.map(({ detail }) => `reconciliation: ${detail}`),
      ...moneyDrift(facts),
      ...stockDrift(facts),
    ],
    strangeSagas: [...facts.sagas]
      .filter(([, state]) => !["RUNNING", "COMPLETED", ...spoilt].includes(state))
      .map(([id, state]) => `workflow ${id} is ${state}`),
    deadLetters: facts.deadLetters.map(({ service, topic, reason }) => `${service}, ${topic}: ${reason}`),
    strange: [...new Set(facts.strange)].map((answer) => `strange answer: ${answer}`),
  };
}

export const isClean = (verdict: Verdict): boolean =>
  Object.values(verdict).every((sentences) => sentences.length === 0);

const entriesOf = ({ history }: Pick<Facts, "history">, id: string): Entry[] => history.get(id) ?? [];
const named = (entries: Entry[], name: string) => entries.filter((entry) => entry.name === name).length;
const moved = (movements: Movement[]) => movements.filter(({ status }) => status === "succeeded");
const byId = (orders: OrderView[]) => new Map(orders.map((order) => [order.id, order]));

/** People or nobody have to do something next: the system itself has nothing left to do. */
function atRest({ status, payment }: OrderView, entries: Entry[]): boolean {
  if (status === "cancelled")
    return (
      payment.status !== "pending" &&
      (payment.refund?.status ?? "done") === "done" &&
      named(entries, "inventory.released") > 0
    );
  return status === "processing" || status === "shipped" || status === "delivered";
}

/** The last thing that can happen to an order has happened. */
const isOver = (order: OrderView, entries: Entry[]): boolean =>
  order.status === "delivered" || (order.status === "cancelled" && atRest(order, entries));

/** Workflows that go on although their order is over: they harm nobody. An order may have had several. */
export function outliving({ orders, history, sagas }: Pick<Facts, "orders" | "history" | "sagas">): string[] {
  const over = new Set(orders.filter((order) => isOver(order, entriesOf({ history }, order.id))).map(({ id }) => id));
  return [...sagas].filter(([id, state]) => state === "RUNNING" && over.has(id.split("_")[0]!)).map(([id]) => id);
}

function lostChanges(facts: Facts): string[] {
  const orders = byId(facts.orders);
  const paying = new Map<string, number>();
  return facts.acknowledged.flatMap(({ what, order_id, detail }) => {
    const order = orders.get(order_id);
    if (!order) return [`order ${order_id} was ${what}, and is not there`];
    if (what === "paying") paying.set(order_id, (paying.get(order_id) ?? 0) + 1);
    const kept = {
      placed: () => true,
      paying: () => named(entriesOf(facts, order_id), "pay") >= paying.get(order_id)!,
      cancelled: () => order.status === "cancelled",
      shipped: () => order.shipment?.tracking_number === detail,
      delivered: () => order.status === "delivered",
      noted: () => order.metadata[detail] === "noted",
    }[what]();
    return kept ? [] : [`order ${order_id} was ${what} ${detail}, and now it is not`];
  });
}

function lostHistory(facts: Facts): string[] {
  return facts.orders.flatMap((order) => {
    const { id, version } = order;
    const entries = entriesOf(facts, id);
    // That of an order which is over may have been erased (kit/workflow.ts): there is nothing left to bring on.
    const isBroughtOn = facts.sagas.has(id) || isOver(order, entries);
    const whole = entries.length === version && entries.every(({ seq }, n) => seq === n + 1);
    return [
      ...(whole ? [] : [`order ${id} has ${version} versions and ${entries.length} entries in its history`]),
      ...(isBroughtOn ? [] : [`order ${id} has no saga`]),
    ];
  });
}

function stuck(facts: Facts): string[] {
  const restless = facts.orders.flatMap((order) => {
    const entries = entriesOf(facts, order.id);
    if (atRest(order, entries)) return [];
    const { status, payment } = order;
    const last = entries.at(-1);
    return [
      `order ${order.id} is ${status}, payment ${payment.status}, refund ${payment.refund?.status ?? "none"}, last "${last?.name}" at ${last?.at}`,
    ];
  });
  const unsaid = Object.entries(facts.unsaid).filter(([, rows]) => rows > 0);
  return [...restless, ...unsaid.map(([service, rows]) => `${service} has ${rows} outbox rows to send`)];
}

function doubledOrders({ orders, keys }: Facts): string[] {
  const seen = new Set<string>();
  return orders.flatMap(({ id, metadata: { key = "" } }) => {
    if (!keys.has(key)) return [`order ${id} was never asked for`];
    if (seen.has(key)) return [`order ${id} is a second one of the same Idempotency-Key`];
    seen.add(key);
    return [];
  });
}

function doubledMoney({ statements, orders }: Facts): string[] {
  const known = byId(orders);
  return statements.flatMap(({ reference, charges, refunds }) => {
    const taken = moved(charges).length;
    const back = moved(refunds) as Statement["refunds"];
    const twice = back.length !== new Set(back.map(({ charge_id }) => charge_id)).size;
    return [
      ...(known.has(reference) ? [] : [`the provider knows an order ${reference} and we do not`]),
      ...(taken > 1 ? [`order ${reference} was charged ${taken} times`] : []),
      ...(twice ? [`order ${reference} was refunded twice for one charge`] : []),
    ];
  });
}

const once: OrderView["status"][] = ["paid", "processing", "shipped", "delivered", "cancelled"];

function doubledMoves(facts: Facts): string[] {
  return facts.orders.flatMap(({ id, payment: { attempt } }) => {
    const moves = entriesOf(facts, id).filter(({ kind }) => kind === "status");
    const times = (status: string) => moves.filter((move) => move.status === status).length;
    return [
      ...once
        .filter((status) => times(status) > 1)
        .map((status) => `order ${id} became ${status} ${times(status)} times`),
      ...(times("payment_failed") > attempt ? [`order ${id} was refused more often than it was paid`] : []),
    ];
  });
}

const topicOf: Partial<Record<OrderView["status"], string>> = {
  payment_failed: "orders.payment_failed",
  paid: "orders.paid",
  processing: "orders.processing",
  shipped: "orders.shipped",
  delivered: "orders.delivered",
  cancelled: "orders.cancelled",
};

/** The topics about which the customer of this history was to hear. */
function tellable(entries: Entry[]): string[] {
  return entries.flatMap(({ kind, name, status }) => {
    if (name === "place") return ["orders.created"];
    if (name === "payments.refunded") return [name];
    return (kind === "status" && topicOf[status]) || [];
  });
}

/** Where the customer heard of an event less or more often than it happened. */
function messages(facts: Facts, wrong: (found: number, due: number) => boolean): string[] {
  const due = new Map<string, number>();
  for (const { id } of facts.orders)
    for (const topic of tellable(entriesOf(facts, id))) due.set(`${id} ${topic}`, (due.get(`${id} ${topic}`) ?? 0) + 1);
  return [...new Set([...due.keys(), ...facts.notifications.keys()])].flatMap((about) => {
    const [found, wanted] = [facts.notifications.get(about) ?? 0, due.get(about) ?? 0];
    return wrong(found, wanted)
      ? [`${about} happened ${wanted} times, and the customer heard of it ${found} times`]
      : [];
  });
}

/** The provider has the money of orders that are paid for and of no other. */
function moneyDrift(facts: Facts): string[] {
  const net = new Map(facts.statements.map((statement) => [statement.reference, statement.net]));
  return facts.orders.flatMap((order) => {
    if (!atRest(order, entriesOf(facts, order.id))) return [];
    const { id, status, currency } = order;
    const due = status === "cancelled" ? 0 : toMinor(order.total, currency)!;
    const found = net.get(id) ?? 0;
    if (found === due) return [];
    return [
      `order ${id} is ${status}: the provider should have ${toDecimal(due, currency)}, it has ${toDecimal(found, currency)}`,
    ];
  });
}

const sold: OrderView["status"][] = ["processing", "shipped", "delivered"];

function stockDrift({ stock, orders }: Facts): string[] {
  const reserved = new Map<string, number>();
  for (const { status, items } of orders)
    if (sold.includes(status))
      for (const { product_id, quantity } of items)
        reserved.set(product_id, (reserved.get(product_id) ?? 0) + quantity);
  return stock.flatMap(({ product_id, initial, ...now }) => {
    const due = reserved.get(product_id) ?? 0;
    return [
      ...(now.on_hand + now.reserved === initial
        ? []
        : [`product ${product_id}: there were ${initial}, now ${now.on_hand} on hand and ${now.reserved} reserved`]),
      ...(now.reserved === due ? [] : [`product ${product_id}: ${now.reserved} are reserved, ${due} are sold`]),
      ...(now.held === 0 ? [] : [`product ${product_id}: ${now.held} are held for nobody`]),
    ];
  });
}

/** Milliseconds from the end of each fault to the first order that was placed after it and got to `processing`. */
export function recoveries({ faults, orders, history }: Pick<Facts, "faults" | "orders" | "history">): number[] {
  const ways = orders.flatMap(({ id, created_at }) => {
    const arrived = entriesOf({ history }, id).find(({ status }) => status === "processing");
    return arrived ? [{ placed: Date.parse(created_at), arrived: Date.parse(arrived.at) }] : [];
  });
  return faults.flatMap(({ healed, failed }) => {
    const after = ways.filter(({ placed }) => placed > healed).map(({ arrived }) => arrived - healed);
    return failed !== undefined || after.length === 0 ? [] : [Math.min(...after)];
  });
}
