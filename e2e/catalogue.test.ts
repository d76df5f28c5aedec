import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import type { StockView } from "../contracts/inventory.js";
import type { Product } from "../contracts/product.js";
import {
  type Answer,
  anyone,
  atOnce,
  eventually,
  orderOf,
  place,
  processes,
  product,
  signedIn,
} from "./support/system.js";

const [ada, staff, admin] = await Promise.all([signedIn("ada"), signedIn("staff"), signedIn("admin")]);

const made = new Set<string>();
const word = crypto.randomUUID().slice(0, 8);
const cup = { name: `Cup ${word}`, description: "Blue.", price: "12.50", currency: "EUR" };

async function add(body: object = cup, headers: Record<string, string> = {}): Promise<Answer<Product>> {
  const answer = await admin.call<Product>("POST", "/products", body, headers);
  if (answer.status === 201) made.add(answer.body.id);
  return answer;
}
const otherwise = (body: object) => Object.fromEntries(Object.entries({ ...body, active: true }).reverse());
const get = (id: string) => anyone.call<Product>("GET", `/products/${id}`);
const put = (id: string, body: object) => admin.call<Product>("PUT", `/products/${id}`, body);
const remove = async (id: string) => (await admin.call("DELETE", `/products/${id}`)).status;
const listed = async () => {
  const { items } = (await anyone.call<{ items: Product[] }>("GET", `/products?q=${word}&limit=100`)).body;
  return items.map(({ id }) => id);
};
const count = (id: string, on_hand: number) => staff.call<StockView>("PUT", `/inventory/${id}`, { on_hand });
/** What order knows of a product is at most 5 s old. */
const orderHasForgotten = () => sleep(5_100);

afterAll(async () => {
  for (const id of made) await remove(id);
  expect(await listed()).toEqual([]);
});

describe("an admin", () => {
  test("adds a product, which is shown, listed and sold", async () => {
    const { status, body, headers } = await add();
    expect([status, headers.get("location")]).toEqual([201, `/products/${body.id}`]);
    expect(body).toMatchObject({ ...cup, active: true });
    expect(Object.keys(body).sort()).toEqual(
      ["active", "created_at", "currency", "description", "id", "name", "price", "updated_at"].sort(),
    );
    expect((await get(body.id)).body).toEqual(body);
    expect(await listed()).toContain(body.id);

    expect((await place(ada, body.id)).status).toBe(409);
    expect((await count(body.id, 3)).status).toBe(200);
    expect((await place(ada, body.id, 2)).body).toMatchObject({ total: "25.00", items: [{ name: cup.name }] });
  });

  test("asks twice with one key and body and gets one product; with another body it is refused", async () => {
    const headers = { "idempotency-key": crypto.randomUUID() };
    const answers = await atOnce([...Array(10).keys()], 10, () => add(cup, headers));
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(9).fill(200), 201]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect((await add({ ...cup, price: "12.51" }, headers)).status).toBe(422);
    expect((await add(otherwise(cup), headers)).status).toBe(200);
    expect((await add(cup, { "idempotency-key": "k".repeat(256) })).status).toBe(400);
    expect(await remove((answers[0] as Answer<Product>).body.id)).toBe(204);
    expect((await add(cup, headers)).status).toBe(409);
  });

  test("replaces a product: what was ordered keeps its price, what comes has the new one", async () => {
    const { id, created_at } = (await add()).body;
    await count(id, 10);
    const before = (await place(ada, id)).body;
    const { status, body } = await put(id, { name: `Pot ${word}`, price: "20", currency: "EUR" });
    expect([status, body]).toMatchObject([
      200,
      { id, name: `Pot ${word}`, description: "", price: "20.00", created_at },
    ]);
    await orderHasForgotten();
    const after = (await place(ada, id)).body;
    expect(after).toMatchObject({ total: "20.00", items: [{ name: `Pot ${word}`, price: "20.00" }] });
    expect(await orderOf(ada, before.id)).toMatchObject({ total: "12.50", items: [{ name: cup.name }] });
  });

  test("takes a product off the list: it is shown, neither listed nor sold, until it is put back", async () => {
    const { id } = (await add({ ...cup, active: false })).body;
    await count(id, 10);
    expect([(await get(id)).status, await listed().then((ids) => ids.includes(id))]).toEqual([200, false]);
    expect((await place(ada, id)).status).toBe(422);
    await put(id, cup);
    await orderHasForgotten();
    expect([(await place(ada, id)).status, (await listed()).includes(id)]).toEqual([201, true]);
  });

  test("removes a product: for everyone it is unknown, its orders go on", async () => {
    const { id } = (await add()).body;
    await count(id, 10);
    const order = (await place(ada, id, 1, "card_ok")).body;
    expect(await remove(id)).toBe(204);
    expect([(await get(id)).status, (await put(id, cup)).status, await remove(id)]).toEqual([404, 404, 404]);
    expect(await listed()).not.toContain(id);
    await orderHasForgotten();
    expect((await place(ada, id)).status).toBe(422);
    const { items } = await eventually(
      () => orderOf(ada, order.id),
      (order) => order.status === "processing",
    );
    expect(items).toMatchObject([{ name: cup.name, price: "12.50" }]);
  });

  test("removes a product while others change it: none of them brings it back", async () => {
    for (let round = 0; round < 20; round++) {
      const { id } = (await add()).body;
      const statuses = await atOnce([...Array(20).keys()], 20, async (n) =>
        n === 0 ? remove(id) : (await put(id, cup)).status,
      );
      expect(statuses[0]).toBe(204);
      expect(statuses.filter((status) => ![200, 204, 404].includes(status))).toEqual([]);
      expect((await get(id)).status).toBe(404);
    }
  });

  test("no one else does any of that", async () => {
    const { id } = (await add()).body;
    const statuses = await atOnce([anyone, ada, staff], 1, async (who) => [
      (await who.call("POST", "/products", cup)).status,
      (await who.call("PUT", `/products/${id}`, cup)).status,
      (await who.call("DELETE", `/products/${id}`)).status,
    ]);
    expect(statuses).toEqual([
      [401, 401, 401],
      [403, 403, 403],
      [403, 403, 403],
    ]);
    expect((await get(id)).body).toMatchObject(cup);
  });

  test.each([
    [{ price: "1.005" }, "price"],
    [{ price: "-1.00" }, "price"],
    [{ price: 5 }, "price"],
    [{ price: "5.0", currency: "JPY" }, "price"],
    [{ currency: "ABC" }, "currency"],
    [{ currency: "SEK" }, "currency"],
    [{ name: " " }, "name"],
    [{ stock: 5 }, ""],
  ])("is told that %j is wrong", async (over, field) => {
    const { id } = (await add()).body;
    for (const { status, body } of [await add({ ...cup, ...over }), await put(id, { ...cup, ...over })])
      expect([status, body]).toMatchObject([422, { errors: [{ field }] }]);
  });

  test("gives a product away: an order over nothing is paid like any other", async () => {
    const { id } = (await add({ ...cup, price: "0" })).body;
    await count(id, 1);
    const { body } = await place(ada, id, 1, "card_ok");
    const order = await eventually(
      () => orderOf(ada, body.id),
      ({ status }) => status === "processing",
    );
    expect(order).toMatchObject({ status: "processing", total: "0.00" });
  });
});

describe("stock", () => {
  const unknown = crypto.randomUUID();

  test("of an unknown product is neither shown nor counted; of a new one it is counted first, then shown", async () => {
    expect([(await anyone.call("GET", `/inventory/${unknown}`)).status, (await count(unknown, 5)).status]).toEqual([
      404, 404,
    ]);
    const { id } = (await add()).body;
    expect((await anyone.call("GET", `/inventory/${id}`)).status).toBe(404);
    expect((await count(id, 5)).body).toEqual({ product_id: id, on_hand: 5, held: 0, available: 5, reserved: 0 });
    expect((await anyone.call("GET", `/inventory/${id}`)).body).toMatchObject({ on_hand: 5 });
  });

  test("is counted while product is away where it was counted before; for the rest that is 503", async () => {
    const { id } = (await add()).body;
    const known = product(2);
    const { on_hand } = (await anyone.call<StockView>("GET", `/inventory/${known.id}`)).body;
    await processes.stop("product");
    try {
      const { status, headers } = await count(id, 5);
      expect([status, headers.get("retry-after")]).toEqual([503, "2"]);
      expect((await count(known.id, on_hand)).status).toBe(200);
    } finally {
      await processes.start("product");
    }
    const { status } = await eventually(
      () => count(id, 5),
      ({ status }) => status === 200,
    );
    expect(status).toBe(200);
  });
});
