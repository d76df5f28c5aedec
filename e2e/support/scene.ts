import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Topic } from "../../contracts/events.js";
import type { Status } from "../../contracts/order.js";
import type { PaymentMethod } from "../../contracts/payment.js";
import { orderIdOf } from "../../services/order/ids.js";
import { broker } from "./broker.js";
import { faults } from "./settings.js";
import {
  eventually,
  must,
  newProduct,
  orderOf,
  type Person,
  place,
  processes,
  publishForeign,
  sidecar,
  signedIn,
  statementOf,
  timelineOf,
} from "./system.js";

const ada = await signedIn("ada");
export const staff = await signedIn("staff");
const adaId = (await must(ada.me())).id;

/** How long anything may take on a busy machine, where the processes it needs die for others again and again. */
const patience = 120;

/** Asks, as a customer's program does, until it gets an answer that is not "try again". */
const insist = <T extends { status: number }>(ask: () => Promise<T>) =>
  eventually(ask, (a) => a.status < 500, patience);

/**
 * When nobody else has come to a fault point of a process for so long, it is killed. Two transactions that are held
 * hold up all others (kit/state.ts), so no long wait: who has not come dies in a later turn.
 */
const quiet = 1_500;
const standing = new Map<string, { last: number; death: Promise<void> }>();

/**
 * kill -9 of a process for all who are held at its fault points: each of them sees it die where it stands. It takes
 * whatever else is under way in that process with it, which must survive that as well.
 */
function killed(app: string): Promise<void> {
  const all = standing.get(app) ?? { last: 0, death: sleep(0).then(die) };
  standing.set(app, all);
  all.last = Date.now();
  return all.death;

  async function die(): Promise<void> {
    while (Date.now() < all.last + quiet) await sleep(200);
    standing.delete(app);
    await processes.kill(app);
  }
}

/** A fault point that nobody came to in time. */
export class Missed extends Error {}

export type Scene = Awaited<ReturnType<typeof scene>>;

/** One order with goods of its own, what is done to it, and what goes wrong with it alone. Its id is known beforehand. */
export async function scene() {
  const { id: product_id } = await newProduct(10);
  const key = crypto.randomUUID();
  const id = orderIdOf(adaId, key);
  const armed = new Map<string, number>();
  const commands = new Map<string, string>();

  const wordsAt = (file: string) => (existsSync(file) ? readFileSync(file, "utf8").split(" ") : ["gone", "0"]);
  const passed = (file: string) => (armed.get(file) as number) - Number(wordsAt(file)[1]);
  const happened = (file: string) => passed(file) > 0;
  const fileAt = (point: string) =>
    [...armed.keys()].find((file) => file.startsWith(join(faults, `${point}.`))) as string;
  const waitFor = async <T>(what: string, ask: () => Promise<T>, right: (value: T) => boolean) => {
    const last = await eventually(ask, right, patience);
    if (!right(last)) throw new Error(`not within ${patience} s: ${what}; last seen: ${JSON.stringify(last)}`);
    return last;
  };

  return {
    id,
    product_id,

    /** At this point of a service: "error 2" of what holds these texts and is about this order, its product or a charge. */
    arm(point: string, does: string, texts = "", about = id): void {
      const file = join(faults, `${point}.${about}`);
      if (armed.has(file)) throw new Error(`${file} is armed already`);
      armed.set(file, Number(does.split(" ")[1]));
      writeFileSync(file, `${does} ${texts}`);
    },
    /** Until it happened there, or somebody is held there. */
    async hit(point: string): Promise<void> {
      const there = async () => happened(fileAt(point));
      if (!(await eventually(there, Boolean, patience))) throw new Missed(`nobody came to ${point} in ${patience} s`);
    },
    /** How often what was armed there has come by. */
    passed: (point: string) => passed(fileAt(point)),
    /** Who is held there goes on, and has a moment to do what it was held back from. */
    async letGo(point: string): Promise<void> {
      const file = fileAt(point);
      if (!happened(file)) throw new Error(`nobody was held at ${file}`);
      rmSync(file, { force: true });
      await sleep(1_000);
    },
    /** The process dies at this point, which the order comes to in this story. */
    async dies(point: string, texts: string, story: () => Promise<unknown>, about = id): Promise<void> {
      const app = point.split(".")[0] as string;
      // Inventory commits for all orders at once: who is held there would hold up the others, so it dies by itself.
      const alone = app === "inventory";
      this.arm(point, alone ? "crash 1" : "hold 9", texts, about);
      const death = async () => {
        await this.hit(point);
        if (alone) return;
        await killed(app);
        rmSync(fileAt(point), { force: true });
      };
      await Promise.all([story(), death()]);
    },
    /** What was armed and has not happened. */
    missed: () => [...armed.keys()].filter((file) => !happened(file)).map((file) => file.slice(faults.length + 1)),
    disarm(): void {
      for (const file of armed.keys()) rmSync(file, { force: true });
    },

    tryToPlace: (method?: PaymentMethod, quantity = 1, product = product_id) =>
      place(ada, product, quantity, method, key),
    async place(method?: PaymentMethod) {
      const placed = await insist(() => place(ada, product_id, 1, method, key));
      if (placed.status >= 300) throw new Error(`not placed within ${patience} s: ${JSON.stringify(placed.body)}`);
      return placed;
    },
    /** An order of an upstream checkout, which may say how long it can be paid. */
    upstream: (over: { pay_by?: string; payment_method?: PaymentMethod; quantity?: number; user_id?: string } = {}) => {
      const { quantity = 1, ...more } = over;
      const items = [{ product_id, quantity, price: "22.00" }];
      const total = `${22 * quantity}.00`;
      const order = { order_id: id, user_id: adaId, total, currency: "EUR", items_count: 1, items, ...more };
      return publishForeign("orders.created", order);
    },
    /** The same command is asked with the same Idempotency-Key until there is an answer; gives its status. */
    async ask(who: Person, method: string, path: string, body: object, fresh = false): Promise<number> {
      const what = `${method} ${path} ${JSON.stringify(body)}`;
      const key = fresh ? crypto.randomUUID() : (commands.get(what) ?? crypto.randomUUID());
      commands.set(what, key);
      return (await insist(() => who.call(method, `/orders/${id}${path}`, body, { "idempotency-key": key }))).status;
    },
    pay(method: PaymentMethod = "card_ok", fresh = false) {
      return this.ask(ada, "POST", "/payments", { payment_method: method }, fresh);
    },
    ship(fresh = false) {
      return this.ask(staff, "PUT", "/status", { status: "shipped", tracking_number: "T", carrier: "C" }, fresh);
    },
    deliver(fresh = false) {
      return this.ask(staff, "PUT", "/status", { status: "delivered" }, fresh);
    },
    cancel(fresh = false) {
      return this.ask(ada, "POST", "/cancel", { reason: "customer" }, fresh);
    },

    until: (status: Status) =>
      waitFor(
        status,
        () => orderOf(staff, id),
        (order) => order.status === status,
      ),
    untilNamed: (name: string) =>
      waitFor(
        name,
        async () => (await timelineOf(staff, id)).map((entry) => entry.name),
        (names) => names.includes(name),
      ),
    chargeId: async () =>
      waitFor(
        "a charge",
        async () => (await statementOf(id)).charges.map((charge) => charge.charge_id),
        ([charge]) => charge !== undefined,
      ).then(([charge]) => charge as string),
    /** Until a service has said it of this order, whether or not the order has still to hear it. */
    said: (topic: Topic) =>
      waitFor(
        `${topic} at the broker`,
        () => broker.find(topic, id),
        (found) => found !== undefined,
      ),
    waitFor,

    /** The very event once more, until this service has handled it. */
    async again(topic: Topic, app: string): Promise<void> {
      this.arm(`${app}.before-acknowledge`, "forget 1", `"${topic}"`);
      const found = await this.said(topic);
      await broker.repeat(topic, found as NonNullable<typeof found>);
      await this.hit(`${app}.before-acknowledge`);
    },
    /** Asks the workflow engine itself about the saga of this order. */
    saga: (path = "", body?: object) => sidecar("order", `/v1.0/workflows/dapr/${path}`, body),
    sagaIs(status: "RUNNING" | "COMPLETED") {
      const ask = async () => ((await (await this.saga(id)).json()) as { runtimeStatus?: string }).runtimeStatus;
      return waitFor(`a saga that is ${status}`, ask, (now) => now === status);
    },
  };
}
