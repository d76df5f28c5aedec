import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Command, type Order, progress } from "../services/order/order.js";
import { compareOrder } from "../services/order/reconcile.js";
import { netOf, standing } from "../services/payment/audit.js";
import { type Plan, type Setup, type World, world } from "./model.js";

// Whatever is lost, repeated, late or dead in between: once it is calm, money and stock are what the status says.

const runs = Number(process.env.MODEL_RUNS ?? 600);

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

const plan: fc.Arbitrary<Plan> = fc
  .record({
    via: fc.constantFrom("api" as const, "upstream" as const),
    method: fc.constantFrom("card_ok", "card_declined", null),
    cups: fc.integer({ min: 0, max: 2 }),
    pots: fc.integer({ min: 0, max: 2 }),
    pay_by: fc.constantFrom(null, 600, 30),
  })
  .map((plan) => (plan.cups + plan.pots > 0 ? plan : { ...plan, cups: 1 }));

const setup: fc.Arbitrary<Setup> = fc.record({
  plans: fc.array(plan, { minLength: 1, maxLength: 3 }),
  cups: fc.integer({ min: 0, max: 6 }),
  pots: fc.integer({ min: 0, max: 6 }),
  fates: fc.array(fc.constantFrom("answers", "silent", "away", "crash"), { maxLength: 8 }),
});

/** Something that may happen, and what chance gives it. */
type Step = (w: World) => unknown;
const may = <A extends unknown[]>(
  weight: number,
  chance: fc.Arbitrary<A>,
  happens: (w: World, ...a: A) => unknown,
) => ({
  weight,
  arbitrary: chance.map(
    (given): Step =>
      (w) =>
        happens(w, ...given),
  ),
});
const nothing = fc.constant<[]>([]);
const one = fc.tuple(fc.nat(99));
const who = fc.constantFrom(1, 1, 2, 3);
const ship: Command = { type: "ship", tracking_number: "1", carrier: "post" };
const trouble = fc.constantFrom("none" as const, "none" as const, "no hold" as const, "crash" as const);
const transfer = fc.constantFrom(
  "right" as const,
  "right" as const,
  "wrong amount" as const,
  "wrong currency" as const,
);
const recorded = (n: number, r: number) => `00000000-0000-4000-8000-0000000004${n}${r}`;

const step: fc.Arbitrary<Step> = fc.oneof(
  may(14, fc.tuple(fc.nat(99), fc.boolean()), (w, n, twice) => w.deliver(n, twice)),
  may(4, nothing, (w) => w.deliverAll()),
  may(3, one, (w, n) => w.lose(n)),
  may(3, one, (w, n) => w.wake(n)),
  may(3, fc.tuple(who, trouble), (w, n, how) => w.place(n, how)),
  may(3, fc.tuple(fc.constantFrom(1, 11, 16, 61, 61, 301, 601)), (w, seconds) => w.clock(seconds)),
  may(1, nothing, (w) => w.sweep("payment")),
  may(1, nothing, (w) => w.sweep("inventory")),
  may(3, fc.tuple(who, fc.constantFrom("card_ok", "card_declined")), (w, n, method) =>
    w.put(n, { type: "pay", method }),
  ),
  may(2, fc.tuple(who), (w, n) => w.put(n, { type: "cancel", reason: "customer" })),
  may(2, fc.tuple(who), (w, n) => w.put(n, ship)),
  may(2, fc.tuple(who), (w, n) => w.put(n, { type: "deliver" })),
  may(1, fc.tuple(who, fc.nat(1)), (w, n, r) =>
    w.put(n, { type: "record_payment", payment_id: recorded(n, r), reference: `till ${r}` }),
  ),
  may(2, fc.tuple(who, fc.nat(2), transfer), (w, n, id, kind) => w.foreign(n, id, kind)),
  may(1, fc.tuple(fc.constantFrom("cup" as const, "pot" as const), fc.nat(6)), (w, what, n) => w.adjust(what, n)),
  may(1, nothing, (w) => w.payBack()),
);

test(
  "whatever happens, money and stock end equal to what the status says",
  async () => {
    const property = fc.asyncProperty(setup, fc.array(step, { maxLength: 40, size: "max" }), play);
    await fc.assert(property, { numRuns: runs });
  },
  runs > 600 ? 3_600_000 : 240_000,
);

async function play(setup: Setup, steps: Step[]): Promise<void> {
  const w = world(setup);
  const check = () => always(w);
  try {
    await w.place(1, "none");
    for (const step of steps) {
      await step(w);
      check();
    }
    w.story.push("--- calm");
    const windowsEnd = w.now() + 1_800_000;
    expect(await w.calm(false, windowsEnd, check), "it comes to rest").not.toBe("no end");
    owed(w);
    w.story.push("--- staff pays back what is external");
    expect(await w.calm(true, Number.POSITIVE_INFINITY, check), "it comes to rest").toBe("quiet");
    settled(w);
    await reconciled(w);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n\n${w.story.join("\n")}\n`);
  }
}

const sum = (amounts: number[]) => amounts.reduce((total, amount) => total + amount, 0);

function always(w: World): void {
  expect(w.broken).toEqual([]);
  for (const { product_id, on_hand, held, reserved } of w.stocks()) {
    const units = (status: string) =>
      sum(
        w
          .holds()
          .flatMap((hold) =>
            hold.items.map((line) => (hold.status === status && line.product_id === product_id ? line.quantity : 0)),
          ),
      );
    if (on_hand + reserved !== (w.first[product_id] as number) + w.adjusted(product_id))
      expect.fail("units appear or vanish");
    if (held < 0 || held > on_hand) expect.fail(`${held} of ${on_hand} on hand are held`);
    if (held !== units("held")) expect.fail(`${held} held, but the holds say ${units("held")}`);
    if (reserved !== units("reserved")) expect.fail(`${reserved} reserved, but the holds say ${units("reserved")}`);
  }
  for (const { id, released_at } of w.orders()) {
    const hold = w.holds().find(({ order_id }) => order_id === id);
    if (released_at && hold?.status !== "closed") expect.fail(`goods given back, but the hold is ${hold?.status}`);
  }
  for (const charge of w.book.chargeById.values()) {
    const back = (w.book.refundsOf.get(charge.charge_id) ?? []).filter(({ status }) => status === "succeeded");
    if (sum(back.map(({ amount }) => amount)) > (charge.status === "succeeded" ? charge.amount : 0))
      expect.fail("more is given back than was taken");
  }
}

const keeps = ({ status }: Order) => ["paid", "processing", "shipped", "delivered"].includes(status);

/** Before staff does anything: what was paid outside and is not kept is visible as owed, to them and to the customer. */
function owed(w: World): void {
  for (const [payment_id, till] of w.tills) {
    const order = w.orders().find(({ id }) => id === till.order_id) as Order;
    if (till.back || (keeps(order) && order.payment.payment_id === payment_id)) continue;
    const account = w.accounts().find(({ order_id }) => order_id === till.order_id);
    const payment = account?.payments.find((p) => p.payment_id === payment_id);
    expect(payment?.refund?.status, "staff sees the external refund").toBe("pending");
    const refund = order.refunds.find((r) => r.payment_id === payment_id);
    expect(refund?.status, "the customer sees the external refund").toBe("pending");
  }
}

function settled(w: World): void {
  expect(
    w.deadLetters.map(({ words, reason }) => `${words}: ${reason}`),
    "dead letters",
  ).toEqual([]);
  expect(w.orders().length, "every order is known").toBe(w.known.size);
  for (const order of w.orders()) {
    const letter = String.fromCharCode(64 + Number(order.id.at(-1)));
    expect(["processing", "shipped", "delivered", "cancelled"], `${letter} has a legal end`).toContain(order.status);

    expect(moneyOf(w, order.id), `money of ${letter}, ${order.status}`).toEqual(
      keeps(order) ? { EUR: order.total } : {},
    );

    const hold = w.holds().find(({ order_id }) => order_id === order.id);
    expect(hold?.status === "reserved", `goods of ${letter}, ${order.status}: ${hold?.status}`).toBe(keeps(order));
    expect(hold?.status, `${letter}, ${order.status}`).not.toBe("held");

    const ended = order.status === "cancelled" || order.status === "delivered";
    expect(progress(order).phase, `phase of ${letter}, ${order.status}`).toBe(ended ? "ended" : "delivering");
    const done = w.sagas(order.id).every((saga) => saga.done);
    expect(done, `the saga of ${letter}, ${order.status}, has ended`).toBe(ended);

    const payments = w.accounts().find(({ order_id }) => order_id === order.id)?.payments ?? [];
    const seen = (refunds: { payment_id: string; status: string; refund_id: string | null }[]) =>
      refunds.map((r) => `${r.payment_id} ${r.status} ${r.refund_id}`).sort();
    const made = payments.flatMap(({ payment_id, refund }) => (refund ? [{ payment_id, ...refund }] : []));
    expect(seen(order.refunds), `refunds the customer of ${letter} sees`).toEqual(seen(made));
    expect(
      made.filter(({ status }) => status !== "done"),
      `open refunds of ${letter}`,
    ).toEqual([]);
  }
  // Nothing of an order that never came to be.
  for (const hold of w.holds()) if (hold.status === "held") expect.fail("a hold without an end");
}

/** The reconciliation agrees, and had nothing to leave out. */
async function reconciled(w: World): Promise<void> {
  for (const order of w.orders()) {
    const account = w.accounts().find(({ order_id }) => order_id === order.id);
    const { open, movements } = standing(account ?? { payments: [] });
    const provider = netOf(await w.statement(order.id));
    const goods = w.holds().find(({ order_id, status }) => order_id === order.id && status === "reserved");
    const compared = compareOrder(
      order,
      { order_id: order.id, open, account: netOf(movements), provider },
      goods && { order_id: order.id, status: "reserved", items: goods.items },
    );
    expect(compared, `reconciliation of ${order.status}`).toEqual({ findings: [], skipped: false });
  }
}

/** What the provider and the tills testify to have kept of an order, by currency; nothing where it is nothing. */
function moneyOf(w: World, id: string): Record<string, number> {
  const net: Record<string, number> = {};
  const add = (amount: number, currency: string) => {
    net[currency] = (net[currency] ?? 0) + amount;
  };
  for (const charge of w.book.chargesOf.get(id) ?? []) {
    if (charge.status === "succeeded") add(charge.amount, charge.currency);
    for (const refund of w.book.refundsOf.get(charge.charge_id) ?? [])
      if (refund.status === "succeeded") add(-refund.amount, refund.currency);
  }
  for (const { order_id, amount, currency, back } of w.tills.values()) {
    if (order_id !== id) continue;
    add(amount, currency);
    if (back) add(-back.amount, back.currency);
  }
  return Object.fromEntries(Object.entries(net).filter(([, amount]) => amount !== 0));
}
