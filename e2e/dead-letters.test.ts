import { randomUUID } from "node:crypto";
import { afterAll, describe, expect, test } from "vitest";
import type { Consumer, DeadLetter } from "../contracts/admin.js";
import type { Topic } from "../contracts/events.js";
import type { OrderView } from "../contracts/order.js";
import { broker } from "./support/broker.js";
import {
  anyone,
  atOnce,
  eventually,
  newProduct,
  processes,
  publishForeign,
  reaches,
  signedIn,
  timelineOf,
} from "./support/system.js";

const [ada, staff, admin] = await Promise.all([signedIn("ada"), signedIn("staff"), signedIn("admin")]);
const adaId = (await ada.call<{ id: string }>("GET", "/users/me")).body.id;
const { id: goods } = await newProduct();

type Page = { items: DeadLetter[]; next_cursor: string | null };
type InFull = DeadLetter & { body: string };
const list = async (query = "limit=100") => (await admin.call<Page>("GET", `/admin/dead-letters?${query}`)).body;
const at = ({ service, id }: DeadLetter) => `/admin/dead-letters/${service}/${id}`;
const show = (letter: DeadLetter) => admin.call<InFull>("GET", at(letter));
const redrive = (letter: DeadLetter) => admin.call<{ detail: string }>("POST", `${at(letter)}/redrive`);
const discard = (letter: DeadLetter) => admin.call("DELETE", at(letter));

/** The dead letter of a consumer whose message holds the text. */
async function setAside(service: Consumer, text: string): Promise<InFull> {
  const found = await eventually(
    async () => {
      const { items } = await list(`limit=20&service=${service}`);
      const all = await Promise.all(items.map(async (letter) => (await show(letter)).body));
      return all.find(({ body }) => body.includes(text)) as InFull;
    },
    (letter) => letter !== undefined,
  );
  expect(found).toMatchObject({ service });
  return found;
}

/** An upstream checkout's order, and the money that came for it. */
function upstream() {
  const order_id = randomUUID();
  const about = { order_id, user_id: adaId };
  const created = {
    ...{ ...about, total: "7.00", currency: "EUR", items_count: 1 },
    items: [{ product_id: goods, quantity: 1, price: "7.00" }],
  };
  const paid = {
    ...{ ...about, payment_id: randomUUID(), amount: "7.00", currency: "EUR" },
    ...{ payment_date: new Date().toISOString(), payment_method: "wire", provider_id: "bank-9" },
  };
  return { order_id, created, paid };
}

/** What a sidecar does with a message that it cannot deliver: as it came, to the consumer's dead-letter topic. */
const undeliverable = (service: Consumer, message: string) => broker.say(`dead-letter.${service}`, message);
const event = (type: Topic, data: object, id: string = randomUUID()) =>
  JSON.stringify({ specversion: "1.0", id, source: "elsewhere", type, datacontenttype: "application/json", data });

afterAll(async () => {
  for (const letter of (await list()).items) await discard(letter);
});

describe("what cannot be handled is in the list, with its reason, and can be read and thrown away", () => {
  const mark = randomUUID();
  test.each<[string, Consumer, Topic, string, string, RegExp]>([
    ["no JSON", "order", "payments.failed", `not even JSON ${mark}`, "dead-letter.order", /undeliverable/],
    ["no object", "payment", "payments.requested", `["${mark}"]`, "dead-letter.payment", /undeliverable/],
    ["no event", "inventory", "orders.paid", `{"hello":"${mark}"}`, "orders.paid", /id: /],
    ["no data of its topic", "order", "inventory.released", event("inventory.released", { mark }), "", /order_id: /],
    ["no text", "order", "payments.refunded", `\0\u0001${mark}`, "dead-letter.order", /undeliverable/],
    [
      "a contradiction",
      "order",
      "orders.created",
      event("orders.created", { ...upstream().created, total: "6.99" }, mark),
      "",
      /cost more/,
    ],
  ])("%s", async (_, service, topic, message, shown, reason) => {
    await broker.say(topic, message);
    const letter = await setAside(service, mark);
    expect(letter).toMatchObject({ topic: shown || topic, tries: 0, reason: expect.stringMatching(reason) });
    expect((await redrive(letter)).status).toBe(409);
    expect((await show(letter)).body).toMatchObject({ tries: 1, at: letter.at });
    expect((await discard(letter)).status).toBe(204);
    expect([(await show(letter)).status, (await discard(letter)).status]).toEqual([404, 404]);
  });
});

describe("re-drive", () => {
  test("a payment whose order came later: 409 until then, then it counts once, then it is gone", async () => {
    const { order_id, created, paid } = upstream();
    await undeliverable("order", event("payments.succeeded", paid));
    const letter = await setAside("order", order_id);
    expect(letter).toMatchObject({ topic: "payments.succeeded", reason: "undeliverable" });
    const early = await redrive(letter);
    expect([early.status, early.body.detail]).toEqual([409, `there is no order ${order_id}`]);

    await publishForeign("orders.created", created);
    await reaches(ada, order_id, "payment_required");
    expect((await redrive(letter)).status).toBe(204);
    expect((await redrive(letter)).status).toBe(404);
    const order = await reaches(ada, order_id, "processing");
    expect(order.payment).toMatchObject({ status: "succeeded", payment_id: paid.payment_id });
    const names = (await timelineOf(ada, order_id)).map(({ name }) => name);
    expect(names.filter((name) => name.startsWith("payments.succeeded"))).toEqual(["payments.succeeded"]);
  });

  test("many at once have one effect", async () => {
    const { order_id, created, paid } = upstream();
    await undeliverable("order", event("payments.succeeded", paid));
    const letter = await setAside("order", order_id);
    await publishForeign("orders.created", created);
    await reaches(ada, order_id, "payment_required");
    const answers = await atOnce(Array.from({ length: 5 }), 5, () => redrive(letter));
    for (const { status } of answers) expect([204, 404]).toContain(status);
    expect(answers.map(({ status }) => status)).toContain(204);
    await reaches(ada, order_id, "processing");
    const payments = await eventually(
      async () => (await ada.call<{ items: unknown[] }>("GET", `/orders/${order_id}/payments`)).body.items,
      (items) => items.length === 1,
    );
    expect(payments).toMatchObject([{ payment_id: paid.payment_id, refund: null }]);
    expect((await timelineOf(ada, order_id)).filter(({ name }) => name.startsWith("payments."))).toHaveLength(1);
  });

  test("a reservation that came before the money: refused, and right once the money is there", async () => {
    const { order_id, created, paid } = upstream();
    await processes.stop("inventory");
    try {
      await publishForeign("orders.created", created);
      await reaches(ada, order_id, "payment_required");
      const items = [{ product_id: goods, quantity: 1 }];
      const reserved = { reservation_id: randomUUID(), order_id, items, reserved_at: new Date().toISOString() };
      await publishForeign("inventory.reserved", reserved);
      const letter = await setAside("order", order_id);
      expect(letter.reason).toMatch(/payment_required/);
      expect((await redrive(letter)).status).toBe(409);
      await publishForeign("payments.succeeded", paid);
      await reaches(ada, order_id, "paid");
      expect((await redrive(letter)).status).toBe(204);
      const order = await ada.call<OrderView>("GET", `/orders/${order_id}`);
      expect(order.body).toMatchObject({
        status: "processing",
        reservation: { reservation_id: reserved.reservation_id },
      });
    } finally {
      await processes.start("inventory");
    }
  });
});

describe("the list", () => {
  test("is of all consumers, newest first, page by page, none twice; of one by service", async () => {
    const mark = randomUUID();
    const created = event("orders.created", { mark });
    const since = new Date().toISOString();
    for (let n = 0; n < 3; n++) await broker.say("orders.created", created.replace(mark, `${mark}-${n}`));
    const { items: all } = await eventually(
      () => list(),
      ({ items }) => items.filter(({ at }) => at >= since).length >= 12,
    );
    expect(new Set(all.map(({ service }) => service))).toEqual(
      new Set(["order", "payment", "inventory", "notification"]),
    );
    const paged: DeadLetter[] = [];
    for (let cursor = ""; cursor !== "end"; ) {
      const { items, next_cursor } = await list(`limit=2${cursor && `&cursor=${cursor}`}`);
      expect(items.length).toBeLessThanOrEqual(2);
      paged.push(...items);
      cursor = next_cursor ?? "end";
    }
    expect(paged).toEqual(all);
    const times = all.map(({ at: time }) => time);
    expect(times).toEqual([...times].sort().reverse());
    const { items: payment } = await list("service=payment");
    expect(payment).toEqual(all.filter(({ service }) => service === "payment"));
  });

  test("is never silently short: 503 while a consumer is away", async () => {
    await processes.stop("notification");
    try {
      const answer = await admin.call("GET", "/admin/dead-letters");
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "2"]);
      expect((await admin.call("GET", "/admin/dead-letters?service=order")).status).toBe(200);
    } finally {
      await processes.start("notification");
    }
    await eventually(
      () => admin.call("GET", "/admin/dead-letters"),
      ({ status }) => status === 200,
    );
  });
});

test.each([
  ["GET", "/admin/dead-letters", 200],
  ["GET", "/admin/dead-letters?cursor=abc", 400],
  ["GET", "/admin/dead-letters?service=user", 400],
  ["GET", "/admin/dead-letters/order/none", 404],
  ["DELETE", "/admin/dead-letters/order/none", 404],
  ["POST", "/admin/dead-letters/order/none/redrive", 404],
  ["GET", "/admin/dead-letters/user/none", 404],
])("%s %s: nobody 401, customer and staff 403, admin %i", async (method, path, status) => {
  const answers = [];
  for (const who of [anyone, ada, staff, admin]) answers.push((await who.call(method, path)).status);
  expect(answers).toEqual([401, 403, 403, status]);
});
