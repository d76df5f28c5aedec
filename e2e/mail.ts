import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Notification } from "../contracts/notification.js";
import { catcher } from "./support/catcher.js";
import { faults } from "./support/settings.js";
import {
  eventually,
  newCustomer,
  type Person,
  place,
  processes,
  product,
  publishForeign,
  reaches,
  sql,
} from "./support/system.js";

const post = catcher();
beforeAll(post.open);
afterAll(post.close);

type Customer = Awaited<ReturnType<typeof newCustomer>>;
const customer = (locale?: string) => newCustomer({ name: "Eve <b>", locale });

const messagesOf = async (who: Person) =>
  (await who.call<{ items: Notification[] }>("GET", "/notifications?limit=100")).body.items;

/** When all that is expected is there and sent; a moment later, so that one too many would be seen. */
async function told(who: Customer, count: number, seconds?: number) {
  await eventually(
    () => messagesOf(who),
    (all) => all.length === count && all.every(({ delivery }) => delivery === "sent"),
    seconds,
  );
  await sleep(1_500);
  return { messages: await messagesOf(who), mails: post.to(who.email) };
}

const shippedTo = (user_id: string, order_id = crypto.randomUUID()) => {
  return { order_id, user_id, shipped_at: "2026-11-21T05:17:19.000Z", tracking_number: "T-1", carrier: "Post" };
};

/** Stored messages by their order, asked through the service's own sidecar; `change` is merged into them first. */
async function storedFor(order_id: string, change: object = {}) {
  const update = `UPDATE state SET value = value || '${JSON.stringify(change)}'
    WHERE starts_with(key, 'notification:') AND value->>'order_id' = '${order_id}' RETURNING value`;
  const rows = await sql<[Record<string, unknown>][] | null>("notification", "query", update);
  return (rows ?? []).map(([row]) => row);
}

describe("a customer's mail", () => {
  test.each([
    ["de-AT", "Wir haben Ihre Bestellung erhalten", "€ 18,50", "Bestellung"],
    ["en-GB", "We have your order", "€18.50", "Order"],
    ["fr", "We have your order", "€18.50", "Order"],
  ])("%s: one per event, to the right address, in the right language", async (locale, subject, amount, order) => {
    const eve = await customer(locale);
    const { body } = await place(eve, product(0).id, 1, "card_ok");
    await reaches(eve, body.id, "processing");
    const { messages, mails } = await told(eve, 3);
    expect(messages.map(({ topic }) => topic).sort()).toEqual(["orders.created", "orders.paid", "orders.processing"]);
    for (const message of messages) {
      expect(message).toMatchObject({ locale: locale === "fr" ? "en" : locale, channel: "email", order_id: body.id });
      const its = mails.filter((mail) => mail.subject === message.subject);
      expect(its).toHaveLength(1);
      expect(its[0]?.html?.replaceAll("&#39;", "'")).toContain(`<p>${message.text}</p><p>${order} ${body.id}</p>`);
    }
    expect(mails).toHaveLength(3);
    const created = messages.find(({ topic }) => topic === "orders.created");
    expect(created?.subject).toBe(subject);
    expect(created?.text.replaceAll("\u00a0", " ")).toContain(amount);
    for (const { recipients, to, from, cc, bcc } of mails) {
      expect([recipients, to?.map(({ address }) => address)]).toEqual([[eve.email], [eve.email]]);
      expect([from?.address, cc, bcc]).toEqual(["shop@orders.local", undefined, undefined]);
    }
  });

  test("what others typed stays text: no header, no tag, no further recipient", async () => {
    const eve = await customer();
    const carrier = "Post\r\nBcc: mallory@example.com\r\n\r\n<script>";
    await publishForeign("orders.shipped", { ...shippedTo(eve.id), carrier });
    const [mail] = (await told(eve, 1)).mails;
    expect(mail?.recipients).toEqual([eve.email]);
    expect(mail?.headers.map(({ key }) => key)).not.toContain("bcc");
    expect(mail?.html).toContain("&lt;script&gt;");
    expect(mail?.html).not.toMatch(/<script|<b>/);
  });

  test("the same event again is the same message", async () => {
    const eve = await customer();
    const [event, id] = [shippedTo(eve.id), crypto.randomUUID()];
    await publishForeign("orders.shipped", event, id);
    await told(eve, 1);
    for (let n = 0; n < 3; n++) await publishForeign("orders.shipped", event, id);
    const { messages, mails } = await told(eve, 1);
    expect([messages.length, mails.length]).toEqual([1, 1]);
  });

  test("a new language counts from the next message on", async () => {
    const eve = await customer();
    expect((await eve.call("PATCH", "/users/me", { locale: "de" })).status).toBe(200);
    await publishForeign("orders.shipped", shippedTo(eve.id));
    expect((await told(eve, 1)).mails[0]?.subject).toBe("Ihre Bestellung ist unterwegs");
  });

  test("messages page by page, newest first, none twice, nobody else's", async () => {
    const [eve, other] = await Promise.all([customer(), customer()]);
    for (let n = 0; n < 5; n++) await publishForeign("orders.shipped", shippedTo(eve.id));
    await publishForeign("orders.shipped", shippedTo(other.id));
    await told(eve, 5);
    const seen: Notification[] = [];
    for (let cursor = ""; cursor !== "end"; ) {
      type Page = { items: Notification[]; next_cursor: string | null };
      const { body } = await eve.call<Page>("GET", `/notifications?limit=2${cursor && `&cursor=${cursor}`}`);
      expect(body.items.length).toBeLessThanOrEqual(2);
      seen.push(...body.items);
      cursor = body.next_cursor ?? "end";
    }
    expect(new Set(seen.map(({ id }) => id)).size).toBe(5);
    expect(seen.every(({ user_id }) => user_id === eve.id)).toBe(true);
    const times = seen.map(({ created_at }) => created_at);
    expect(times).toEqual([...times].sort().reverse());
    expect(Object.keys(seen[0] as object)).not.toContain("due");
    expect((await eve.call("GET", "/notifications?cursor=abc")).status).toBe(400);
  });
});

describe("when something is away", () => {
  test("the mail server: the message waits and is sent when it is back", async () => {
    await post.close();
    const eve = await customer();
    const event = shippedTo(eve.id);
    await publishForeign("orders.shipped", event);
    await eventually(
      () => storedFor(event.order_id),
      ([row]) => (row?.tries as number) > 0,
    );
    expect(await messagesOf(eve)).toMatchObject([{ delivery: "pending", sent_at: null }]);
    await post.open();
    const { messages, mails } = await told(eve, 1);
    expect(messages).toMatchObject([{ delivery: "sent", sent_at: expect.any(String) }]);
    expect(mails).toHaveLength(1);
  });

  test("the mail server, for too long: the message is given up", async () => {
    await post.close();
    const eve = await customer();
    const event = shippedTo(eve.id);
    await publishForeign("orders.shipped", event);
    await eventually(
      () => storedFor(event.order_id),
      ([row]) => (row?.tries as number) > 0,
    );
    await storedFor(event.order_id, { tries: 23, due: "2026-01-01T00:00:00.000Z" });
    const [message] = await eventually(
      () => messagesOf(eve),
      ([{ delivery } = {} as Notification]) => delivery === "undelivered",
    );
    await post.open();
    expect(message).toMatchObject({ delivery: "undelivered", sent_at: null });
  });

  test("the user service: the event comes again", async () => {
    const eve = await customer("de");
    await processes.stop("user");
    const event = shippedTo(eve.id);
    await publishForeign("orders.shipped", event);
    await sleep(2_500);
    const meanwhile = await storedFor(event.order_id);
    await processes.start("user");
    expect(meanwhile).toEqual([]);
    const { mails } = await told(eve, 1);
    expect(mails.map(({ subject }) => subject)).toEqual(["Ihre Bestellung ist unterwegs"]);
  });

  test("the account itself: the message is stored as undelivered", async () => {
    const { id, price } = product(1);
    const order_id = crypto.randomUUID();
    await publishForeign("orders.created", {
      ...{ order_id, user_id: crypto.randomUUID(), currency: "EUR", items_count: 1 },
      ...{ total: String(price / 100), items: [{ product_id: id, quantity: 1, price: String(price / 100) }] },
    });
    const [row] = await eventually(
      () => storedFor(order_id),
      (rows) => rows.length > 0,
    );
    expect(row).toMatchObject({ delivery: "undelivered", reason: "there is no such user", locale: "en" });
  });

  test("a process between mail and mark: the mail comes twice, the message is one", async () => {
    const eve = await customer();
    const event = shippedTo(eve.id);
    const point = join(faults, `notification.after-call.${event.order_id}`);
    writeFileSync(point, "crash 1 /bindings/smtp");
    await publishForeign("orders.shipped", event);
    await eventually(
      async () => existsSync(point),
      (armed) => !armed,
    );
    // Its claim is left to it for 40 s, which end now.
    await storedFor(event.order_id, { due: "2026-01-01T00:00:00.000Z" });
    const { messages, mails } = await told(eve, 1);
    expect([messages.length, mails.length]).toEqual([1, 2]);
  });
});

test("two replicas send each mail once, and each customer their own", async () => {
  await processes.scale("notification", 2);
  const all: Customer[] = [];
  for (const locale of ["en", "de", "en", "de"]) all.push(await customer(locale));
  const events = Array.from({ length: 80 }, (_, n) => shippedTo(all[n % 4]?.id as string));
  await Promise.all(events.map((event) => publishForeign("orders.shipped", event)));
  const heard = await Promise.all(all.map((who) => told(who, 20)));
  await processes.scale("notification", 1);
  heard.forEach(({ messages, mails }, n) => {
    const own = events.filter(({ user_id }) => user_id === all[n]?.id).map(({ order_id }) => order_id);
    expect(messages.map(({ order_id }) => order_id).sort()).toEqual(own.sort());
    expect(mails.map(({ html }) => /[\w-]{36}/.exec(html ?? "")?.[0]).sort()).toEqual(own);
    expect(new Set(mails.map(({ subject }) => subject))).toEqual(new Set([messages[0]?.subject]));
  });
});

test("no log holds an address or a message", () => {
  const folder = join(process.env.E2E_DIR as string, "logs");
  const names = readdirSync(folder).filter((name) => name.startsWith("notification"));
  const lines = names.map((name) => readFileSync(join(folder, name), "utf8")).join("");
  expect(lines).toContain("mail sent");
  expect(lines).not.toMatch(/@example\.com|We have your|T-1/);
});
