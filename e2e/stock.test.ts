import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StockView } from "../contracts/inventory.js";
import type { OrderView } from "../contracts/order.js";
import {
  type Answer,
  anyone,
  atOnce,
  eventually,
  logOf,
  orderOf,
  place,
  placeLines,
  port,
  processes,
  product,
  replicas,
  signedIn,
  statementOf,
  stockOf,
} from "./support/system.js";

const [ada, bob, staff] = await Promise.all([signedIn("ada"), signedIn("bob"), signedIn("staff")]);

/** A demo product of which this many are on hand and none is held, and what must stay true of it from now on. */
async function stocked(n: number, on_hand: number) {
  const { id, price } = product(n);
  const { status, body: before } = await staff.call<StockView>("PUT", `/inventory/${id}`, { on_hand });
  expect([status, before.held]).toEqual([200, 0]);
  const owned = on_hand + before.reserved;
  const wrong = (stock: StockView) =>
    stock.on_hand + stock.reserved !== owned ||
    stock.available !== stock.on_hand - stock.held ||
    stock.held < 0 ||
    stock.available < 0 ||
    stock.reserved < before.reserved;
  return { id, price, before, wrong };
}
type Stocked = Awaited<ReturnType<typeof stocked>>;

/** Does the work and looks at the stock all the while: no answer may show more sold or promised than there is. */
async function watching<T>(products: Stocked[], work: () => Promise<T>): Promise<T> {
  const wrong: StockView[] = [];
  let over = false;
  const watch = async ({ id, wrong: isWrong }: Stocked) => {
    for (; !over; await sleep(20)) {
      const { status, body } = await anyone.call<StockView>("GET", `/inventory/${id}`);
      if (status === 200 && isWrong(body)) wrong.push(body);
    }
  };
  const watches = Promise.all(products.map(watch));
  const result = await work().finally(() => {
    over = true;
  });
  await watches;
  expect(wrong[0]).toBeUndefined();
  return result;
}

const isOver = ({ status, payment }: OrderView) =>
  status === "processing" || (status === "cancelled" && (payment.refund === null || payment.refund.status === "done"));

/** What the provider has taken and not given back, from anyone. */
async function takings(): Promise<number> {
  const totals = (await (await fetch(`http://127.0.0.1:${port(8090)}/ledger`)).json()) as { EUR?: { net: number } };
  return totals.EUR?.net ?? 0;
}

/** So many buyers, 32 at once, one unit each: what every POST answered, and how every order that was taken ended. */
async function rush(goods: Stocked, buyers: number, meanwhile?: () => Promise<unknown>) {
  const earlier = await takings();
  const answers = await atOnce([...Array(buyers).keys()], 32, (n) => {
    return place(n % 2 === 0 ? ada : bob, goods.id, 1, "card_ok");
  });
  await meanwhile?.();
  const taken = answers.filter(({ status }) => status === 201);
  const orders = await atOnce(taken, 16, ({ body }) => eventually(() => orderOf(staff, body.id), isOver));
  const nets = await atOnce(orders, 16, async ({ id }) => (await statementOf(id)).net);
  return { answers, orders, nets, earned: (await takings()) - earlier };
}

/** As many orders as there were goods are processing and paid; all others were refused, or have their money back. */
async function expectSoldOnce(goods: Stocked, sold: number, rushed: Awaited<ReturnType<typeof rush>>) {
  const { answers, orders, nets, earned } = rushed;
  const refused = answers.filter(({ status }) => status !== 201) as Answer<unknown>[];
  for (const { status, body } of refused)
    expect({ status, body }).toMatchObject({ status: 409, body: { product_id: goods.id, requested_qty: 1 } });
  expect(orders.filter((order) => !isOver(order))).toEqual([]);
  expect(orders.filter(({ status }) => status === "processing")).toHaveLength(sold);
  expect(nets).toEqual(orders.map(({ status }) => (status === "processing" ? goods.price : 0)));
  expect(earned).toBe(sold * goods.price);
  await expectStock(goods, sold);
}

async function expectStock({ id, before, wrong }: Stocked, sold: number) {
  const end = await eventually(
    () => stockOf(id),
    ({ held }) => held === 0,
  );
  expect(end).toMatchObject({ on_hand: before.on_hand - sold, held: 0, reserved: before.reserved + sold });
  expect(wrong(end)).toBe(false);
}

test("50 in stock, 200 buyers: exactly 50 get one", async () => {
  const goods = await stocked(7, 50);

  const rushed = await watching([goods], () => rush(goods, 200));

  await expectSoldOnce(goods, 50, rushed);
});

describe("two replicas of inventory", () => {
  beforeAll(() => processes.scale("inventory", 2));
  afterAll(() => processes.scale("inventory", replicas));

  const countOf = (text: string, log: string) => logOf(log).split(text).length - 1;
  const asked = (name: string) => countOf('"/rpc/hold"', name);

  test("the last piece, 100 buyers: exactly one gets it, whichever replica was asked", { repeats: 4 }, async () => {
    const goods = await stocked(8, 1);
    const before = asked("inventory");

    const rushed = await watching([goods], () => rush(goods, 100));

    await expectSoldOnce(goods, 1, rushed);
    expect(asked("inventory")).toBeGreaterThan(before + 10);
    expect(asked("inventory-2")).toBeGreaterThan(10);
  });

  test("5 in stock, 40 orders taken while both are away: 5 are served, 35 have their money back", async () => {
    const goods = await stocked(8, 5);
    await processes.stop("inventory");

    const rushed = await rush(goods, 40, () => processes.start("inventory"));

    expect(rushed.orders).toHaveLength(40);
    await expectSoldOnce(goods, 5, rushed);
  });

  test("60 orders of two products, half of them the other way round: none waits for another", async () => {
    const both = [await stocked(9, 500), await stocked(7, 500)] as const;
    const lines = both.map(({ id }) => ({ product_id: id, quantity: 1 }));

    const orders = await watching([...both], () =>
      atOnce([...Array(60).keys()], 16, async (n) => {
        const { status, body } = await placeLines(ada, n % 2 === 0 ? lines : lines.toReversed(), "card_ok");
        expect(status).toBe(201);
        return eventually(() => orderOf(ada, body.id), isOver, 20);
      }),
    );

    expect(orders.filter(({ status }) => status !== "processing")).toEqual([]);
    const nets = await atOnce(orders, 16, async ({ id }) => (await statementOf(id)).net);
    expect(nets).toEqual(orders.map(() => both[0].price + both[1].price));
    for (const goods of both) await expectStock(goods, 60);
    expect(countOf("deadlock detected", "postgres")).toBe(0);
  });

  test("a replica that leaves in the middle of 100 orders takes none with it", async () => {
    const goods = await stocked(9, 500);
    let answered = 0;
    const left = (async () => {
      while (answered < 20) await sleep(5);
      await processes.scale("inventory", 1);
    })();

    const orders = await watching([goods], () =>
      atOnce([...Array(100).keys()], 16, async () => {
        const { status, body } = await place(bob, goods.id, 1, "card_ok");
        answered++;
        expect(status).toBe(201);
        return eventually(() => orderOf(bob, body.id), isOver);
      }),
    );
    await left;

    expect(orders.filter(({ status }) => status !== "processing")).toEqual([]);
    await expectStock(goods, 100);
    expect((await processes.processes()).map(({ name }) => name)).not.toContain("inventory-2");
  });
});
