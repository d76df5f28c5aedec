import { vi } from "vitest";
import { type EventOf, events, type Topic } from "../contracts/events.js";
import { RefundRequest, RegisterRequest } from "../contracts/payment.js";
import type { Product } from "../contracts/product.js";
import { updater } from "../kit/aggregate.js";
import type { Write } from "../kit/commit.js";
import type { Handlers } from "../kit/events.js";
import type { Message, Outbox } from "../kit/outbox.js";
import { Early, Unavailable, Unhandleable } from "../kit/problem.js";
import type { Sql } from "../kit/sql.js";
import type { Found, Store } from "../kit/state.js";
import { handlers as inventoryHandlers } from "../services/inventory/app.js";
import type { Hold, Stock } from "../services/inventory/stock.js";
import { stocks } from "../services/inventory/stocks.js";
import { handlers as orderHandlers } from "../services/order/events.js";
import type { Command, Order, Progress } from "../services/order/order.js";
import { orders as ordersOf } from "../services/order/orders.js";
import { place } from "../services/order/place.js";
import { orderSaga, type SagaInput } from "../services/order/saga.js";
import type { ServiceClients } from "../services/order/service-clients.js";
import { steps } from "../services/order/steps.js";
import { handlers as paymentHandlers } from "../services/payment/app.js";
import type { Account, Payment } from "../services/payment/payment.js";
import { minor, payments } from "../services/payment/payments.js";
import type { Movement, Provider } from "../services/payment/provider.js";
import {
  type Charge,
  decideCharge,
  decideRefund,
  emptyBook,
  enter,
  statementOf,
} from "../tools/payment-provider/book.js";

// The whole platform but for Dapr: the real handlers, decisions and sagas of order, payment and inventory, over
// stores in memory, a bus that somebody else schedules, a clock that stands still, and a provider with a book.

/** How an order comes in. `pay_by`: seconds from its placing, upstream's choice; null leaves it to us. */
export type Plan = {
  via: "api" | "upstream";
  method: string | null;
  cups: number;
  pots: number;
  pay_by: number | null;
};
/** What the provider, or the process that asks it, does next. `silent` and `crash` happen after the effect. */
type Fate = "answers" | "silent" | "away" | "crash";
export type Setup = { plans: Plan[]; cups: number; pots: number; fates: Fate[] };
export type World = ReturnType<typeof world>;

type App = "order" | "payment" | "inventory";
type Flight = { words: string; losable: boolean; deliver: () => Promise<unknown> };
/** Money that changed hands outside of the platform: the witness of external payments. */
type Till = { order_id: string; amount: number; currency: string; back: { amount: number; currency: string } | null };

const day0 = Date.parse("2026-01-01T12:00:00Z");
const currency = "EUR";
const terms = {
  payment_window_seconds: 600,
  repeat_interval_seconds: 15,
  currencies: [currency],
  tax_rates: { [currency]: { DE: 1900 } },
};
const user_id = "00000000-0000-4000-8000-000000000001";
const orderId = (n: number) => `00000000-0000-4000-8000-00000000010${n}`;
const goods = [
  { id: "00000000-0000-4000-8000-000000000201", name: "cup", price: "1.00" },
  { id: "00000000-0000-4000-8000-000000000202", name: "pot", price: "5.00" },
];
const products = new Map<string, Product>(
  goods.map((p) => [p.id, { ...p, description: "", currency, active: true, created_at: "", updated_at: "" }]),
);
const [cup, pot] = goods.map(({ id }) => id) as [string, string];

class Crash extends Error {}
type Later = { due: string; message: Message };
type Start = Extract<Message, { start: unknown }>;

export function world({ plans, cups, pots, fates }: Setup) {
  const story: string[] = [];
  const flights: Flight[] = [];
  const deadLetters: (Flight & { reason: string })[] = [];
  const sagas = new Map<string, Saga>();
  const lastHint = new Map<string, number>();
  let hints = 0;
  const tills = new Map<string, Till>();
  const known = new Set<number>();
  const broken: string[] = [];
  let now = day0;
  let fate = [...fates];
  vi.setSystemTime(now);

  const tell = (line: string) => story.push(line);
  const fail = (what: string) => broken.push(what);
  const iso = (ms: number) => new Date(ms).toISOString();
  const letter = (id: string) => String.fromCharCode(64 + Number(id.at(-1)));

  // ---- order
  const orderRows = memory((key, before, after) => {
    if (key.startsWith("order:")) checkMove(before as Order | undefined, after as Order);
  });
  const orderBox = outbox("order");
  const orders = ordersOf(orderRows.store, noSql, updater(orderRows.store, orderBox), orderBox);
  const ask = { products: async () => products, hold: async () => undefined } as unknown as ServiceClients;
  const activities = steps(orders) as unknown as Record<string, (input: object) => Promise<Progress>>;

  // ---- payment, and the provider it asks
  const book = emptyBook();
  const paymentRows = memory();
  const paymentBox = outbox("payment");
  const accounts = () => [...paymentRows.values<Account>("account:")];
  const paymentSql = due(() => accounts().filter(({ due_at }) => due_at && due_at < iso(now)));
  const allPayments = payments(paymentRows.store, paymentSql, updater(paymentRows.store, paymentBox), provider());

  // ---- inventory
  const stockRows = memory();
  const holds = () => [...stockRows.values<Hold>("hold:")];
  const stockSql = due(() => holds().flatMap((h) => (h.expires_at && h.expires_at < iso(now) ? [h.order_id] : [])));
  const allStocks = stocks(stockRows.store, stockSql, outbox("inventory"));
  const first: Record<string, number> = { [cup]: cups, [pot]: pots };
  for (const [product_id, on_hand] of Object.entries(first))
    stockRows.put(`stock:${product_id}`, { product_id, on_hand, held: 0, reserved: 0 } satisfies Stock);

  const hears: Record<App, Handlers> = {
    order: orderHandlers({ orders, ask, terms: () => terms }),
    payment: paymentHandlers(allPayments),
    inventory: inventoryHandlers(allStocks),
  };

  // ---- the bus
  function outbox(app: string): Outbox {
    const send = (messages: Message[]) => {
      for (const message of messages) put(app, message);
    };
    return {
      prepare: (messages) => ({ writes: [], sendNow: () => send(messages) }),
      say: async (messages) => send(messages),
      start: () => undefined,
      stop: async () => undefined,
      later: (name, due, message) => ({ key: `outbox:${name}`, value: { due, message } satisfies Later }),
      callOff: (name) => ({ key: `outbox:${name}`, remove: true }),
    };
  }

  /** What was to be sent later and has not been called off, now or by then. */
  const laters = () => [...orderRows.values<Later>("outbox:")];
  function relay(): boolean {
    const due = laters().filter((row) => row.due < iso(now));
    for (const { message } of due) {
      put("order", message);
      orderRows.drop(`outbox:saga:${(message as Start).start.id}`);
    }
    return due.length > 0;
  }

  /** Published events may be lost; what the outbox itself brings to its end (saga, RPC) may only be late. */
  function put(source: string, message: Message): void {
    if ("publish" in message) {
      publish(source, message.publish, message.id, message.data as EventOf<Topic>);
    } else if ("ask" in message) {
      const { path, body } = message.ask;
      flights.push({ words: `${path} → payment ${about(body)}`, losable: false, deliver: () => rpc(path, body) });
    } else if ("start" in message) {
      const { id, input } = message.start;
      const words = `start → saga ${letter((input as SagaInput).order_id)}`;
      flights.push({ words, losable: false, deliver: async () => void begin(id, input) });
    } else {
      const { id, input, from, data } = message.tell;
      const words = `hint "${(data as Progress).phase}" → saga ${letter(id)}`;
      const sent = { id, n: hints++, at: now };
      const deliver = async () => {
        grow(sent);
        if (iso(now) < from && begin(id, input)) return;
        const saga = sagas.get(id);
        if (saga) saga.hear(data as Progress);
        else begin(id, input);
      };
      flights.push({ words, losable: false, deliver });
    }
  }

  /** `losable`: not what only an outsider knows. Nobody here could ask for it again, so it must reach the order. */
  function publish(source: string, topic: Topic, id: string, data: EventOf<Topic>, losable = true): void {
    const event = { id, source, time: iso(now) };
    for (const [app, handlers] of Object.entries(hears)) {
      const handle = handlers[topic] as ((data: unknown, event: object) => Promise<unknown>) | undefined;
      if (!handle || (topic === "orders.created" && app === source)) continue;
      const deliver = () => handle(events[topic].parse(data), event);
      flights.push({ words: `${topic} → ${app} ${about(data)}`, losable: losable || app !== "order", deliver });
    }
  }

  const about = (data: object): string => {
    const { order_id, attempt, amount } = data as { order_id: string; attempt?: number; amount?: string };
    return [letter(order_id), attempt && `attempt ${attempt}`, amount].filter((word) => word).join(", ");
  };

  async function rpc(path: string, body: object): Promise<void> {
    if (path === "/rpc/refund") {
      const { payment_id, amount, currency, reason, ...whose } = RefundRequest.parse(body);
      return allPayments.refund(whose, payment_id, minor(amount, currency), currency);
    }
    const { payment_id, reference, amount, currency, ...whose } = RegisterRequest.parse(body);
    return allPayments.register(whose, payment_id, reference, minor(amount, currency), currency);
  }

  /** One delivery. What cannot be handled yet stays in flight, what never can be becomes a dead letter. */
  async function deliver(flight: Flight, twice = false): Promise<boolean> {
    const gone = () => flights.splice(flights.indexOf(flight), 1);
    try {
      await flight.deliver();
      tell(`${flight.words}${twice ? " (and once more later)" : ""}`);
      if (!twice) gone();
      return true;
    } catch (error) {
      if (error instanceof Unhandleable) {
        gone();
        deadLetters.push({ ...flight, reason: error.message });
      } else if (![Early, Unavailable, Crash].some((kind) => error instanceof kind)) throw error;
      tell(`${flight.words} FAILS: ${(error as Error).message}`);
      return false;
    }
  }

  // ---- the provider
  async function statement(order_id: string): Promise<Movement[]> {
    const { charges, refunds } = statementOf(book, order_id);
    const back = refunds.map((refund) => ({ ...refund, amount: -refund.amount }));
    return [...charges, ...back].filter(({ status }) => status === "succeeded");
  }

  function provider(): Provider {
    const next = () => fate.shift() ?? "answers";
    const asked = new Set<string>();
    const wanted = new Map<string, number>();
    return {
      statement,
      charges: async () => [],
      taken: async () => ({ charges: [], next: null }),
      async charge(order_id, { attempt, method, amount, currency }) {
        const key = `${order_id}/${attempt}`;
        const how = next();
        tell(`  provider charges ${letter(order_id)}/${attempt}: ${how}`);
        if (asked.has(key) && wanted.get(key) !== amount) fail(`key ${key} is used for two amounts`);
        asked.add(key);
        wanted.set(key, amount);
        if (how === "away") return { kind: "unknown" };
        let charge = book.charges.get(key);
        if (!charge) {
          const request = { amount, currency, payment_method: method as Charge["payment_method"], reference: order_id };
          charge = decideCharge(key, request, iso(now));
          enter(book, { type: "charge", ...charge });
        }
        if (how === "crash") throw new Crash("payment dies");
        if (how === "silent") return { kind: "unknown" };
        return charge.status === "succeeded"
          ? { kind: "succeeded", provider_id: charge.charge_id }
          : { kind: "declined", code: charge.code ?? "" };
      },
      async refund({ provider_id, amount, currency }: Payment) {
        const how = next();
        const charge = book.chargeById.get(provider_id as string);
        tell(`  provider refunds ${charge ? letter(charge.reference as string) : "?"}: ${how}`);
        if (!charge) {
          fail(`refund of a charge that never was: ${provider_id}`);
          return { kind: "failed", code: "unknown" };
        }
        if (how === "away") return { kind: "failed", code: "provider_503" };
        if (!book.refunds.has(charge.charge_id)) {
          const request = { charge_id: charge.charge_id, amount, currency };
          const decided = decideRefund(book, charge, charge.charge_id, request, iso(now));
          if (decided.kind === "refused") fail(`the provider refuses a refund: ${decided.reason}`);
          else enter(book, { type: "refund", ...decided.refund });
        }
        if (how === "crash") throw new Crash("payment dies");
        return how === "silent" ? { kind: "failed", code: "provider_unreachable" } : { kind: "done" };
      },
    };
  }

  // ---- sagas
  /** As the engine does it: false when there is one already, but one that has ended begins anew. */
  function begin(id: string, input: object): boolean {
    const there = sagas.get(id);
    if (there && !there.done) return false;
    sagas.set(id, newSaga(input as SagaInput));
    return true;
  }

  /** A hint that a later one has overtaken was left to the relay, which waits for 2 s. */
  function grow({ id, n, at }: { id: string; n: number; at: number }): void {
    const last = lastHint.get(id) ?? n;
    if (last > n && now < at + 2_000) world.clock((at + 2_000 - now) / 1000);
    lastHint.set(id, Math.max(last, n));
  }

  function newSaga(input: SagaInput): Saga {
    return drive(
      input,
      () => now,
      (name) => {
        tell(`  saga ${letter(input.order_id)}: ${name}`);
        return (activities[name] as (input: object) => Promise<Progress>)({ order_id: input.order_id });
      },
    );
  }

  const wakeable = () => [...sagas].filter(([, saga]) => saga.ready());

  // ---- what customers, staff and the outside do
  const stored = (n: number) => orderRows.value<Order>(`order:${orderId(n)}`);

  async function command(n: number, asked: Command): Promise<void> {
    const at = { now: iso(now), actor: "someone", trace_id: null };
    const outcome = await orders.apply(orderId(n), crypto.randomUUID(), asked, at);
    const words = "method" in asked ? `${asked.type} ${asked.method}` : asked.type;
    const answer = outcome.kind === "refused" ? "409" : outcome.kind;
    tell(`${words} ${letter(orderId(n))}: ${answer}`);
    if (outcome.kind === "changed" && asked.type === "record_payment")
      tills.set(asked.payment_id, { order_id: orderId(n), amount: outcome.order.total, currency, back: null });
  }

  const linesOf = ({ cups, pots }: Plan) =>
    [
      { product_id: cup, quantity: cups },
      { product_id: pot, quantity: pots },
    ].filter(({ quantity }) => quantity > 0);

  const world = {
    story,
    broken,
    book,
    tills,
    deadLetters,
    flights,
    known,
    accounts,
    statement,
    holds,
    sagas: (order_id: string) => [...sagas].flatMap(([id, saga]) => (id.startsWith(order_id) ? [saga] : [])),
    orders: () => [...orderRows.values<Order>("order:")],
    stocks: () => [...stockRows.values<Stock>("stock:")],
    adjusted: (product_id: string) =>
      [...stockRows.values<{ delta: number }>(`ledger:${product_id}`)].reduce((sum, { delta }) => sum + delta, 0),
    first,
    now: () => now,

    async deliver(pick: number, twice: boolean): Promise<void> {
      const flight = flights[pick % flights.length];
      if (flight) await deliver(flight, twice);
    },
    /** Whatever is in flight now arrives. */
    async deliverAll(): Promise<boolean> {
      let moved = false;
      for (const flight of [...flights]) moved = (await deliver(flight)) || moved;
      return moved;
    },
    lose(pick: number): void {
      const losable = flights.filter((flight) => flight.losable);
      const flight = losable[pick % losable.length];
      if (!flight) return;
      tell(`${flight.words} IS LOST`);
      flights.splice(flights.indexOf(flight), 1);
    },
    /** As POST /orders does it, or as an upstream checkout says it. */
    async place(n: number, trouble: "none" | "no hold" | "crash"): Promise<void> {
      const plan = plans[n - 1];
      if (!plan || known.has(n)) return;
      const id = orderId(n);
      if (plan.via === "upstream") {
        const items = linesOf(plan).map((line) => ({ ...line, price: products.get(line.product_id)?.price as string }));
        const created = {
          ...{ order_id: id, user_id, total: `${plan.cups + 5 * plan.pots + 1}.00`, currency, items },
          items_count: items.length,
          ...(plan.method && { payment_method: plan.method }),
          ...(plan.pay_by !== null && { pay_by: iso(now + plan.pay_by * 1000).replace(".000Z", "Z") }),
        };
        tell(`upstream checks out ${letter(id)} ${plan.method ?? "without a payment method"}`);
        known.add(n);
        return publish("upstream", "orders.created", `up-${n}`, created, false);
      }
      const request = {
        ...{ id, user_id, request_hash: "", items: linesOf(plan), currency: undefined },
        ...{ payment_method: plan.method ?? undefined, customer_notes: undefined, metadata: undefined },
      };
      const placed = place(request, products, "DE", terms, { now: iso(now), actor: user_id, trace_id: null });
      if (placed.kind === "refused") throw new Error(placed.reason);
      const until = iso(now + 60_000);
      const items = request.items;
      const hold =
        trouble === "no hold" ? undefined : await allStocks.put({ type: "hold", order_id: id, items, until });
      const words = `POST /orders ${letter(id)} ${plan.method ?? "without a payment method"}`;
      if (hold?.kind === "out_of_stock") return void tell(`${words}: 409 out of stock`);
      if (trouble === "crash") return void tell(`${words}: order dies after the hold`);
      if (!(await orders.add(placed.decision))) throw new Error("not added");
      known.add(n);
      tell(`${words}: 201${hold ? "" : ", no hold"}`);
    },
    async put(n: number, asked: Command): Promise<void> {
      if (stored(n)) await command(n, asked);
    },
    /** Somebody else says that this order is paid. `id`: the same payment may be said again, under another event id. */
    foreign(n: number, id: number, kind: "right" | "wrong amount" | "wrong currency"): void {
      const total = plans[n - 1] && `${plans[n - 1]!.cups + 5 * plans[n - 1]!.pots}`;
      if (!total || !known.has(n)) return;
      const payment_id = `00000000-0000-4000-8000-0000000003${n}${id}`;
      const due = Number(total) + (plans[n - 1]?.via === "upstream" ? 1 : 0);
      const said = tills.get(payment_id);
      const of = kind === "wrong currency" ? "JPY" : currency;
      const paid = said ?? {
        order_id: orderId(n),
        amount: kind === "wrong currency" ? due : due * 100 + (kind === "right" ? 0 : 1),
        currency: of,
        back: null,
      };
      tills.set(payment_id, paid);
      const amount = paid.currency === "JPY" ? `${paid.amount}` : (paid.amount / 100).toFixed(2);
      const at = { payment_date: iso(now), payment_method: "transfer", provider_id: "bank" };
      const data = { order_id: orderId(n), user_id, payment_id, amount, currency: paid.currency, ...at };
      tell(`somebody else says ${letter(orderId(n))} is paid: ${amount} ${paid.currency} (payment ${id})`);
      publish("bank", "payments.succeeded", crypto.randomUUID(), data, false);
    },
    async adjust(product: "cup" | "pot", on_hand: number): Promise<void> {
      const product_id = product === "cup" ? cup : pot;
      const { kind } = await allStocks.put({ type: "adjust", product_id, on_hand, actor: "staff" });
      tell(`staff counts ${on_hand} ${product}s: ${kind}`);
    },
    /** Staff pays back one external payment that they see is owed. */
    async payBack(): Promise<boolean> {
      for (const account of accounts())
        for (const { payment_id, provider, refund, amount, currency } of account.payments) {
          if (provider !== "external" || !refund || refund.status === "done") continue;
          tell(`staff pays ${toText(amount, currency)} of ${letter(account.order_id)} back and records it`);
          const paid = tills.get(payment_id);
          if (!paid) fail(`an external payment nobody made is given back: ${payment_id}`);
          else if (paid.back) fail(`an external payment is given back twice: ${payment_id}`);
          else paid.back = { amount, currency };
          const { refused } = await allPayments.recordRefund(account, crypto.randomUUID(), payment_id, "transfer");
          if (refused) fail(`recording the refund is refused: ${refused}`);
          return true;
        }
      return false;
    },
    clock(seconds: number): void {
      now += seconds * 1000;
      vi.setSystemTime(now);
      tell(`… ${seconds} s`);
    },
    async wake(pick: number): Promise<void> {
      const ready = wakeable();
      await ready[pick % ready.length]?.[1].turn();
    },
    relay,
    async sweep(which: "payment" | "inventory"): Promise<void> {
      tell(`${which} sweeps`);
      await (which === "payment" ? allPayments : allStocks).sweep().catch((error) => {
        if (!(error instanceof Crash)) throw error;
      });
    },

    /** Nothing goes wrong any more: all that is in flight arrives, all that is due is done. */
    async calm(staffPaysBack: boolean, until: number, check: () => void): Promise<"quiet" | "time is over" | "no end"> {
      fate = [];
      for (const { reason, ...flight } of deadLetters.splice(0)) {
        tell(`an admin sends ${flight.words} again`);
        flights.push(flight);
      }
      for (let rounds = 0; rounds < 1_000; rounds++) {
        let moved = await world.deliverAll();
        for (const [, saga] of wakeable()) {
          await saga.turn();
          moved = true;
        }
        if (relay()) moved = true;
        if (staffPaysBack && (await world.payBack())) moved = true;
        check();
        if (moved) continue;
        const dues = [
          ...[...sagas.values()].map((saga) => saga.due()),
          ...laters().map(({ due }) => Date.parse(due)),
          ...accounts().map(({ due_at }) => (due_at ? Date.parse(due_at) : undefined)),
          ...holds().map(({ expires_at }) => (expires_at ? Date.parse(expires_at) : undefined)),
          flights.length > 0 ? now + 61_000 : undefined,
        ].filter((time) => time !== undefined);
        if (dues.length === 0) return "quiet";
        const next = Math.max(Math.min(...dues), now) + 1;
        if (next > until) return "time is over";
        world.clock((next - now) / 1000);
        await world.sweep("payment");
        await world.sweep("inventory");
      }
      return "no end";
    },
  };
  return world;

  function checkMove(before: Order | undefined, after: Order): void {
    const from = before?.status ?? "nothing";
    if (from !== after.status) tell(`  ${letter(after.id)}: ${from} → ${after.status}`);
    if (before && after.version !== before.version + 1) fail(`version ${before.version} → ${after.version}`);
    if (from !== after.status && !legal[from]?.includes(after.status))
      fail(`${letter(after.id)} moves ${from} → ${after.status}`);
    if (before && from !== after.status) checkReason(before, after);
  }

  /** A move is right only if what it says is so: the provider, the inventory and the clock are asked. */
  function checkReason(before: Order, { id, status, payment, cancel_reason, pay_by }: Order): void {
    const charge = book.charges.get(`${id}/${payment.attempt}`);
    if (status === "payment_failed" && charge?.status !== "declined")
      fail(`${letter(id)} counts as refused, but attempt ${payment.attempt} is ${charge?.status ?? "under way"}`);
    if (status === "paid" && !payment.external && charge?.status !== "succeeded")
      fail(`${letter(id)} counts as paid, but attempt ${payment.attempt} took no money`);
    if (status === "processing" && stockRows.value<Hold>(`hold:${id}`)?.status !== "reserved")
      fail(`${letter(id)} is processing without goods`);
    if (status === "cancelled" && cancel_reason === "payment_window_over") {
      if (before.payment.status === "pending") fail(`${letter(id)} expires while an attempt is under way`);
      if (now < Date.parse(pay_by)) fail(`${letter(id)} expires before its time`);
    }
  }
}

const legal: Record<string, string[]> = {
  nothing: ["payment_required"],
  payment_required: ["payment_failed", "paid", "cancelled"],
  payment_failed: ["payment_required", "paid", "cancelled"],
  paid: ["processing", "cancelled"],
  processing: ["shipped", "delivered", "cancelled"],
  shipped: ["delivered"],
};

const toText = (amount: number, currency: string) =>
  currency === "JPY" ? `${amount} JPY` : `${(amount / 100).toFixed(2)} ${currency}`;

/** A state store in memory, with etags. */
function memory(watch: (key: string, before: object | undefined, after: object) => void = () => undefined) {
  const rows = new Map<string, { value: object; etag: string }>();
  let etags = 0;
  const put = (key: string, value: object) => {
    watch(key, rows.get(key)?.value, value);
    rows.set(key, { value, etag: `${++etags}` });
  };
  const store: Store = {
    get: async <T>(key: string) => (rows.get(key) ?? { value: undefined, etag: undefined }) as Found<T>,
    getMany: async <T>(keys: string[]) =>
      new Map(keys.flatMap((key) => (rows.has(key) ? [[key, rows.get(key) as Found<T>]] : []))),
    async transact(writes: Write[]) {
      const stale = (write: Write) => {
        if ("remove" in write) return false;
        const row = rows.get(write.key);
        return write.etag ? row?.etag !== write.etag : write.insert && row;
      };
      if (writes.some(stale)) return false;
      for (const write of writes)
        if ("remove" in write) rows.delete(write.key);
        else put(write.key, write.value);
      return true;
    },
    async insert(key, value) {
      if (rows.has(key)) return false;
      put(key, value);
      return true;
    },
    async remove(key) {
      rows.delete(key);
    },
  };
  const value = <T>(key: string) => rows.get(key)?.value as T | undefined;
  function* values<T>(prefix: string): Generator<T> {
    for (const [key, { value }] of rows) if (key.startsWith(prefix)) yield value as T;
  }
  return { store, put, drop: (key: string) => rows.delete(key), value, values };
}

const noSql = {} as Sql;
/** The one query a sweep asks. */
const due = (rows: () => unknown[]) => ({ query: async () => rows().map((row) => [row]) }) as unknown as Sql;

type Task = { due?: number; isComplete: boolean; isFailed: false; value?: unknown; getResult: () => unknown };
type Saga = {
  done: boolean;
  hear: (hint: Progress) => void;
  ready: () => boolean;
  due: () => number | undefined;
  turn: () => Promise<void>;
};

/** Drives the real saga: hints are kept until it waits for one, timers follow the clock, steps answer at once. */
function drive(input: SagaInput, now: () => number, step: (name: string) => Promise<Progress>): Saga {
  const hints: Progress[] = [];
  let listening: Task | undefined;
  let waits: Task[] = [];
  const task = (over: Partial<Task> = {}): Task => {
    const made: Task = { isComplete: false, isFailed: false, getResult: () => made.value, ...over };
    return made;
  };
  const running: Promise<void>[] = [];
  const hand = () => {
    if (listening && hints.length > 0) {
      Object.assign(listening, { isComplete: true, value: hints.shift() });
      listening = undefined;
    }
  };
  const context = {
    getCurrentUtcDateTime: () => new Date(now()),
    createTimer: (at: Date | number) => task({ due: at instanceof Date ? at.getTime() : now() + at * 1000 }),
    callActivity(name: string) {
      const called = task();
      const answer = step(name).then((value) => void Object.assign(called, { isComplete: true, value }));
      running.push(answer);
      return called;
    },
    waitForExternalEvent() {
      listening = task();
      const waiting = listening;
      hand();
      return waiting;
    },
    whenAny: (tasks: Task[]) => ({ tasks }),
  };
  const steps = orderSaga(context as never, input);
  const ended = (timer: Task) => timer.due !== undefined && timer.due <= now();
  const saga: Saga = {
    done: false,
    hear(hint) {
      hints.push(hint);
      hand();
    },
    ready: () => !saga.done && (waits.length === 0 || waits.some((wait) => wait.isComplete || ended(wait))),
    due: () => (saga.done ? undefined : waits.find(({ due }) => due !== undefined)?.due),
    async turn() {
      do {
        for (const timer of waits.filter(ended)) timer.isComplete = true;
        const { done, value } = await steps.next();
        saga.done = done ?? false;
        waits = saga.done ? [] : (value as unknown as { tasks: Task[] }).tasks;
        await Promise.all(running.splice(0));
      } while (waits.some((wait) => wait.isComplete));
    },
  };
  return saga;
}
