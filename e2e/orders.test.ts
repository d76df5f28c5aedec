import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import type { OrderView, TimelineEntry } from "../contracts/order.js";
import {
  atOnce,
  eventually,
  must,
  newCustomer,
  newProduct,
  orderOf,
  type Person,
  place,
  processes,
  reaches,
  replicas,
  signedIn,
  timelineOf,
  url,
} from "./support/system.js";

const [staff, admin] = await Promise.all([signedIn("staff"), signedIn("admin")]);
const { id: product_id } = await newProduct();
const placed = async (who: Person, method?: "card_ok") => (await place(who, product_id, 1, method)).body.id;

test("notes and metadata are changed, merged, and guarded by If-Match", async () => {
  const ada = await newCustomer();
  const params = { id: await placed(ada) };
  const change = (body: object, headers: object = {}) => ada.changeOrder({ params, headers, body });
  const first = await change({ customer_notes: "ring twice", metadata: { gift: "yes", floor: "3" } });
  expect(first.ok && first.body.customer_notes).toBe("ring twice");
  const etag = first.headers.get("etag") as string;
  expect(etag).toBe(`"${(await orderOf(ada, params.id)).version}"`);

  const merged = await change({ metadata: { gift: null, door: "left" } }, { "if-match": etag });
  expect(merged.ok && merged.body).toMatchObject({
    customer_notes: "ring twice",
    metadata: { floor: "3", door: "left" },
  });
  for (const stale of [etag, '"0"', `W/${merged.headers.get("etag")}`, "nonsense"]) {
    const refused = await change({ customer_notes: "lost" }, { "if-match": stale });
    expect(refused.status).toBe(412);
  }
  for (const right of ["*", `"0", ${merged.headers.get("etag")}`])
    expect((await change({ metadata: {} }, { "if-match": right })).status).toBe(200);

  const same = await change({ customer_notes: "ring twice" });
  expect(same.headers.get("etag")).toBe(merged.headers.get("etag"));
  expect((await change({ metadata: Object.fromEntries([...Array(51).keys()].map((n) => [`${n}`, ""])) })).status).toBe(
    409,
  );
  expect((await change({ total: "0.00" })).status).toBe(422);
  expect((await timelineOf(ada, params.id)).filter(({ name }) => name === "annotate")).toHaveLength(2);
});

test("an order's payments can be asked for from its first moment on", async () => {
  const [ada, bob] = await Promise.all([newCustomer(), newCustomer()]);
  for (let n = 0; n < 10; n++) {
    const params = { id: await placed(ada) };
    const [hers, his] = await Promise.all([ada.payments({ params }), bob.payments({ params })]);
    expect([hers.status, his.status]).toEqual([200, 404]);
  }
  expect((await ada.payments({ params: { id: crypto.randomUUID() } })).status).toBe(404);
});

test("an Idempotency-Key of a command is its sender's, and is remembered however much happens after it", async () => {
  const ada = await newCustomer();
  const params = { id: (await place(ada, product_id, 1, "card_declined")).body.id };
  await reaches(ada, params.id, "payment_failed");
  const headers = { "idempotency-key": "again" };
  const pay = (id = params.id) => ada.payOrder({ params: { id }, headers, body: { payment_method: "card_declined" } });
  expect((await pay()).status).toBe(202);
  await reaches(ada, params.id, "payment_failed");
  for (let n = 0; n < 55; n++) await must(ada.changeOrder({ params, body: { customer_notes: `${n}` } }));
  expect([(await pay()).status, (await pay(params.id.toUpperCase())).status]).toEqual([202, 202]);
  expect((await orderOf(ada, params.id)).payment.attempt).toBe(2);

  const note = (who: Person, customer_notes: string) => who.changeOrder({ params, headers, body: { customer_notes } });
  expect((await note(ada, "ada's")).status).toBe(200);
  expect((await note(ada, "another")).status).toBe(422);
  const staffs = await note(staff, "staff's");
  expect(staffs.ok && staffs.body.customer_notes).toBe("staff's");
  expect((await note(ada, "ada's")).status).toBe(200);
  expect((await orderOf(ada, params.id)).customer_notes).toBe("staff's");
});

test("of many changes that name the same version one is made", async () => {
  const ada = await newCustomer();
  const params = { id: await placed(ada) };
  const { version } = await orderOf(ada, params.id);
  const headers = { "if-match": `"${version}"` };
  const answers = await atOnce([...Array(8).keys()], 8, (n) =>
    ada.changeOrder({ params, headers, body: { customer_notes: `note ${n}` } }),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(412)]);
});

test("an order is deleted when it has ended and owes nothing; then nobody finds it", async () => {
  const ada = await newCustomer();
  const key = crypto.randomUUID();
  const params = { id: (await place(ada, product_id, 1, "card_ok", key)).body.id };
  await reaches(ada, params.id, "processing");
  expect((await admin.removeOrder({ params })).status).toBe(409);
  expect((await staff.removeOrder({ params })).status).toBe(403);
  await must(staff.setStatus({ params, body: { status: "delivered" } }));
  expect((await admin.removeOrder({ params })).status).toBe(204);
  for (const who of [ada, staff, admin]) expect((await who.order({ params })).status).toBe(404);
  expect((await admin.removeOrder({ params })).status).toBe(404);
  expect((await must(ada.orders())).items).toEqual([]);
  const again = await place(ada, product_id, 1, "card_ok", key);
  expect(again.status).toBe(409);
});

test("staff reads oldest first by offset, newest first by cursor, and both see the same orders, whatever their status", async () => {
  const ada = await newCustomer();
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.push(await placed(ada));
  const ofAda = { params: { customer_id: ada.id } };
  const byOffset = async (status?: "pending") => {
    const found: string[] = [];
    for (let offset = 0; offset < 6; offset += 2) {
      const page = await must(staff.ordersOfCustomer({ ...ofAda, query: { offset, limit: 2, status } }));
      found.push(...page.items.map((order) => order.id));
      expect(page.next_cursor).toBeNull();
    }
    return found;
  };
  expect(await byOffset("pending")).toEqual(ids);
  for (const id of [ids[1], ids[3]] as string[]) await must(ada.cancelOrder({ params: { id }, body: {} }));
  expect(await byOffset("pending")).toEqual([ids[0], ids[2], ids[4]]);
  expect(await byOffset()).toEqual(ids);
  const byCursor: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await must(ada.orders({ query: { limit: 2, cursor } }));
    byCursor.push(...page.items.map((order: OrderView) => order.id));
    if (!page.next_cursor) break;
    cursor = page.next_cursor;
  }
  expect(byCursor).toEqual([...ids].reverse());
  expect((await staff.orders({ query: { offset: 1, cursor: "x" } })).status).toBe(400);
});

/** What a stream says until it has said so many entries; left then. */
async function hears(who: Person, id: string, entries: number, after?: number) {
  const leaves = new AbortController();
  const heard: TimelineEntry[] = [];
  for await (const entry of who.watch(id, { after, signal: leaves.signal })) {
    heard.push(entry);
    if (heard.length === entries) break;
  }
  leaves.abort();
  return heard;
}

test("a stream tells the stored history, then what happens, and resumes where it was left", async () => {
  const ada = await newCustomer();
  const id = await placed(ada);
  const whole = hears(ada, id, 4);
  await sleep(300);
  await must(ada.payOrder({ params: { id }, body: { payment_method: "card_ok" } }));
  const heard = await whole;
  expect(heard.map(({ name }) => name)).toEqual(["place", "pay", "payments.succeeded", "inventory.reserved"]);
  expect(heard).toEqual(await timelineOf(ada, id));
  expect(await hears(ada, id, 2, 2)).toEqual(heard.slice(2));
});

test("a stream goes on at another replica, and over a restart of the service", async () => {
  const ada = await newCustomer();
  const id = await placed(ada);
  onTestFinished(() => processes.scale("order", replicas));
  await processes.scale("order", 2);
  const both = await Promise.all([0, 1, 2, 3].map(() => hears(ada, id, 1)));
  expect(both.map(([first]) => first?.name)).toEqual(Array(4).fill("place"));
  await processes.scale("order", 1);
  const all = hears(ada, id, 3);
  await sleep(1_000);
  await processes.kill("order");
  await eventually(
    () => ada.payOrder({ params: { id }, body: { payment_method: "card_ok" } }),
    ({ ok }) => ok,
  );
  expect((await all).map(({ seq }) => seq)).toEqual([1, 2, 3]);
});

test("streams are counted: the 21st of a user is refused, and a place that is left is free again", async () => {
  // Each replica counts its own.
  onTestFinished(() => processes.scale("order", replicas));
  await processes.scale("order", 1);
  const ada = await newCustomer();
  const id = await placed(ada);
  const open = async () => {
    const leaves = new AbortController();
    const headers = { authorization: `Bearer ${ada.token}` };
    const answer = await fetch(`${url}/orders/${id}/events`, { headers, signal: leaves.signal });
    // The answer is kept: one that nobody has in hand any more is closed by the garbage collector.
    return { status: answer.status, wait: answer.headers.get("retry-after"), answer, leave: () => leaves.abort() };
  };
  const streams = await atOnce([...Array(20).keys()], 5, open);
  expect(streams.map(({ status }) => status)).toEqual(Array(20).fill(200));
  expect(await open()).toMatchObject({ status: 429, wait: "5" });
  for (const { leave } of streams) leave();
  const again = await eventually(open, ({ status }) => status === 200);
  expect(again.status).toBe(200);
  again.leave();
});
