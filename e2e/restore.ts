import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import type { PaymentMethod } from "../contracts/payment.js";
import { outsideOf } from "../tools/postgres.js";
import { crash, dir, start, stop } from "./support/own.js";
import { appEnv, settings } from "./support/settings.js";
import {
  command,
  config,
  eventually,
  must,
  newProduct,
  orderOf,
  place,
  processes,
  reaches,
  reconcile,
  sidecar,
  signedIn,
  statementOf,
} from "./support/system.js";

const up = () => start({ settings, appEnv });
await up();
const ada = await signedIn("ada");
const { id: product } = await newProduct();
const placed = async (method?: PaymentMethod) => (await place(ada, product, 1, method)).body.id;
const cancel = (id: string) => must(ada.cancelOrder({ params: { id }, body: {} }));
const at = (id: string, status: Parameters<typeof reaches>[2]) => reaches(ada, id, status, 60);

/** An order in every stage, none of which goes on by itself: payment and inventory are away. */
async function inFlight() {
  const orders = {
    packed: await placed("card_ok"),
    cancelledLater: await placed("card_ok"),
    back: await placed("card_refund_fails_once"),
    failed: await placed("card_declined"),
    waiting: await placed(),
    paysLater: await placed(),
    paid: "",
    pending: "",
  };
  await Promise.all([
    at(orders.packed, "processing"),
    at(orders.cancelledLater, "processing"),
    at(orders.back, "processing"),
  ]);
  await at(orders.failed, "payment_failed");
  await processes.stop("inventory");
  orders.paid = await placed("card_ok");
  await at(orders.paid, "paid");
  await processes.stop("payment");
  orders.pending = await placed("card_ok");
  await cancel(orders.back);
  return orders;
}
type InFlight = Awaited<ReturnType<typeof inFlight>>;

/** Money as the provider has it: taken once, or taken and given back, or never. */
async function money(id: string): Promise<string> {
  const { charges, net } = await statementOf(id);
  const taken = charges.filter(({ status }) => status === "succeeded").length;
  return `${taken} ${net > 0 ? "kept" : "back"}`;
}

const right: Record<keyof InFlight, string> = {
  packed: "processing, 1 kept",
  cancelledLater: "processing, 1 kept",
  back: "cancelled, 1 back",
  failed: "cancelled, 0 back",
  waiting: "cancelled, 0 back",
  paysLater: "cancelled, 0 back",
  paid: "processing, 1 kept",
  pending: "processing, 1 kept",
};
const endOf = async (id: string) => `${(await orderOf(ada, id)).status}, ${await money(id)}`;

/** Every order at its right end, and all books agree with nothing on its way. */
async function allEnd(orders: InFlight, ends: Partial<typeof right> = {}): Promise<void> {
  const expected = { ...right, ...ends };
  const ended = async () =>
    Object.fromEntries(await Promise.all(Object.entries(orders).map(async ([name, id]) => [name, await endOf(id)])));
  expect(await eventually(ended, (now) => JSON.stringify(now) === JSON.stringify(expected), 120)).toEqual(expected);
  expect((await eventually(reconcile, ({ findings }) => findings.length === 0, 30)).findings).toEqual([]);
}

type Repaired = { orders: number; sagas: Record<string, number>; strays: { order_id: string }[]; refunded: number };
async function repair(...flags: string[]): Promise<Repaired> {
  const { code, text } = await command("repair", "--json", ...flags);
  expect([code, text]).toEqual([0, expect.stringContaining("{")]);
  return JSON.parse(text.trim().split("\n").at(-1) as string) as Repaired;
}

async function saga(id: string, what: "terminate" | "purge"): Promise<void> {
  const ask = () => sidecar("order", `/v1.0/workflows/dapr/${id}/${what}`, {});
  expect((await eventually(ask, ({ status }) => status === 202)).status).toBe(202);
}

test("stopped and started again", async () => {
  const orders = await inFlight();
  await stop();
  await up();
  await allEnd(orders);
});

test("every process killed at once", async () => {
  const orders = await inFlight();
  expect(await crash()).toBeGreaterThan(15);
  await up();
  await allEnd(orders);
});

test("the broker's data lost: sagas ask again", async () => {
  const orders = await inFlight();
  await crash();
  rmSync(join(dir, "redis"), { recursive: true });
  await up();
  await allEnd(orders);
});

test("the scheduler's data lost: npm run repair wakes the sagas, and again changes nothing", async () => {
  // Time enough to pay until the repair: whose time is over ends without it (services/order/wake.ts).
  expect(await config("set", "payment_window_seconds", "80")).toMatchObject({ code: 0 });
  await sleep(3_000);
  const orders = await inFlight();
  await crash();
  rmSync(join(dir, "scheduler"), { recursive: true });
  await up();
  // And two have no saga any more: one was ended by hand, of one nothing is left.
  await saga(orders.waiting, "terminate");
  await saga(orders.failed, "terminate");
  await saga(orders.failed, "purge");
  const done = await repair();
  expect(done.orders).toBeGreaterThanOrEqual(7);
  expect(done.sagas).toMatchObject({ started: 1, replaced: 1 });
  expect(done.sagas.woken).toBeGreaterThanOrEqual(5);
  expect(done.strays).toEqual([]);
  await allEnd(orders);
  expect((await repair()).sagas).toMatchObject({ started: 0, replaced: 0 });
  await allEnd(orders);
});

test("all data lost and restored: repair brings every order that the back-up knows to its end, and shows other money", async () => {
  const folder = mkdtempSync(join(tmpdir(), "orders-backup-"));
  // Time enough to pay after the back-up has been made.
  expect(await config("set", "payment_window_seconds", "40")).toMatchObject({ code: 0 });
  await sleep(3_000);
  const orders = await inFlight();
  expect(await command("backup", folder)).toMatchObject({ code: 0 });
  await processes.start("payment");
  await processes.start("inventory");

  // What the back-up does not know: an attempt, a refund, a whole order, and the ends of all others.
  await must(ada.payOrder({ params: { id: orders.paysLater }, body: { payment_method: "card_ok" } }));
  await cancel(orders.cancelledLater);
  const key = crypto.randomUUID();
  const unknown = (await place(ada, product, 1, "card_ok", key)).body.id;
  await at(unknown, "processing");
  const ends = { cancelledLater: "cancelled, 1 back", paysLater: "processing, 1 kept" };
  await allEnd(orders, ends);

  await crash();
  for (const part of ["postgres", "redis", "scheduler"]) rmSync(join(dir, part), { recursive: true, force: true });
  rmSync(outsideOf(dir), { recursive: true, force: true });
  expect(existsSync(join(dir, "postgres"))).toBe(false);
  expect(await command("restore", folder)).toMatchObject({ code: 0 });
  await up();
  expect((await orderOf(ada, orders.cancelledLater)).status).toBe("processing");
  // Its time was over before anybody here heard of its money, which goes back.
  await at(orders.paysLater, "cancelled");
  ends.paysLater = "cancelled, 1 back";
  const done = await repair();
  expect(done.strays.map(({ order_id }) => order_id)).toEqual([unknown]);
  await allEnd(orders, ends);
  expect(await money(unknown)).toBe("1 kept");

  expect((await repair("--refund-unknown")).refunded).toBe(1);
  expect(await money(unknown)).toBe("1 back");
  expect((await repair()).strays).toEqual([]);

  // The same request once more makes the same order, whose money has gone back: it is neither taken nor packed for free.
  expect((await place(ada, product, 1, "card_ok", key)).body.id).toBe(unknown);
  await at(unknown, "cancelled");
  await allEnd(orders, ends);
  expect(await money(unknown)).toBe("1 back");
  rmSync(folder, { recursive: true });
});
