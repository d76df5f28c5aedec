import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { PaymentMethod } from "../contracts/payment.js";
import { broker } from "./support/broker.js";
import {
  eventually,
  must,
  orderOf,
  type Person,
  place,
  processes,
  product,
  publishForeign,
  reaches,
  rowsUnder,
  setStock,
  signedIn,
  statementOf,
  stockOf,
  timelineOf,
} from "./support/system.js";

const ada = await signedIn("ada");
const staff = await signedIn("staff");
const adaId = (await must(ada.me())).id;
const { id, price } = product(4);
await setStock(staff, id, 10_000);

const cancel = (who: Person, order: string, reason?: string) =>
  who.cancelOrder({ params: { id: order }, body: reason ? { reason } : {} });
const paymentsOf = async (order: string) => (await must(ada.payments({ params: { id: order } }))).items;
/** Cancelled, and everything given back that was taken. */
const settled = (order: string, seconds?: number) =>
  eventually(
    async () => ({
      order: await orderOf(ada, order),
      names: (await timelineOf(ada, order)).map((entry) => entry.name),
    }),
    ({ order, names }) =>
      order.status === "cancelled" &&
      names.includes("inventory.released") &&
      (order.payment.refund?.status ?? "done") === "done",
    seconds,
  );
async function paid(method: PaymentMethod = "card_ok") {
  const { body } = await place(ada, id, 1, method);
  return (await reaches(ada, body.id, "processing")).id;
}

describe("cancel at every stage", () => {
  test.each([
    ["before payment, by the customer", () => place(ada, id), ada, "customer", 0],
    ["after a refusal, by the customer", () => place(ada, id, 1, "card_declined"), ada, "customer", 0],
    ["after payment, by staff", async () => ({ body: { id: await paid() } }), staff, "damaged in store", 1],
  ] as const)("%s: stock and money are back", async (_, make, who, reason, refunds) => {
    const before = await stockOf(id);
    const { body } = await make();
    if (refunds === 0)
      await eventually(
        () => orderOf(ada, body.id),
        (order) => order.payment.status !== "pending",
      );
    expect((await cancel(who, body.id, reason === "customer" ? undefined : reason)).status).toBe(200);
    expect((await cancel(who, body.id)).status).toBe(200);
    const { order } = await settled(body.id);
    expect(order).toMatchObject({ status: "cancelled", cancel_reason: reason });
    expect(order.payment.refund?.status ?? null).toBe(refunds ? "done" : null);
    expect(await statementOf(body.id)).toMatchObject({ net: 0 });
    expect((await statementOf(body.id)).refunds).toHaveLength(refunds);
    expect(await stockOf(id)).toEqual(before);
  });

  test("not once it is shipped", async () => {
    const order = await paid();
    await staff.setStatus({ params: { id: order }, body: { status: "shipped", tracking_number: "T", carrier: "C" } });
    const refused = await cancel(ada, order);
    expect(refused.status).toBe(409);
    expect(refused.body).toMatchObject({ status_now: "shipped", allowed: ["delivered"] });
  });

  test.each(["payment", "reservation", "shipping"])("a race with %s has one winner and a right end", async (rival) => {
    const before = await stockOf(id);
    const ends: string[] = [];
    for (let n = 0; n < 8; n++) {
      const order = rival === "shipping" ? await paid() : (await place(ada, id, 1, "card_ok")).body.id;
      if (rival === "reservation") await reaches(ada, order, "paid", 1);
      const ship = { status: "shipped" as const, tracking_number: "T", carrier: "C" };
      const [cancelled, shipped] = await Promise.all([
        cancel(ada, order),
        rival === "shipping" ? staff.setStatus({ params: { id: order }, body: ship }) : undefined,
      ]);
      if (shipped) expect([cancelled.status, shipped.status].sort()).toEqual([200, 409]);
      if (cancelled.status === 200) {
        expect((await settled(order)).order.status).toBe("cancelled");
        const { net } = await eventually(
          () => statementOf(order),
          (statement) => statement.net === 0,
        );
        expect(net).toBe(0);
      } else {
        ends.push(order);
        expect((await statementOf(order)).net).toBe(price);
      }
    }
    const after = await eventually(
      () => stockOf(id),
      (stock) => stock.reserved === before.reserved + ends.length && stock.held === before.held,
    );
    expect(after).toMatchObject({
      on_hand: before.on_hand - ends.length,
      held: before.held,
      reserved: before.reserved + ends.length,
    });
  });
});

describe("payment", () => {
  test("an answer that comes too late for us is found out, and charged once", async () => {
    const { body } = await place(ada, id, 1, "card_timeout_then_ok");
    expect((await reaches(ada, body.id, "processing")).payment.attempt).toBe(1);
    expect(await statementOf(body.id)).toMatchObject({ net: price, charges: [{ status: "succeeded" }] });
  });

  test("a provider that fails twice is asked again", async () => {
    const { body } = await place(ada, id, 1, "card_flaky");
    expect((await reaches(ada, body.id, "processing")).status).toBe("processing");
    expect((await statementOf(body.id)).charges).toHaveLength(1);
  });

  test("a refund that fails shows, is tried again and comes", async () => {
    const order = await paid("card_refund_fails_once");
    await cancel(ada, order);
    const { order: done, names } = await settled(order);
    expect(done.payment.refund?.status).toBe("done");
    expect(names).toContain("payments.refund_failed");
    expect(await statementOf(order)).toMatchObject({ net: 0 });
    expect(await paymentsOf(order)).toMatchObject([{ status: "succeeded", refund: { status: "done" } }]);
  });

  test("a second try while one is pending, or after it is paid, is refused", async () => {
    const { body } = await place(ada, id, 1, "card_timeout_then_ok");
    const pay = () => ada.payOrder({ params: { id: body.id }, body: { payment_method: "card_ok" } });
    expect((await pay()).status).toBe(409);
    await reaches(ada, body.id, "processing");
    expect((await pay()).status).toBe(409);
  });

  test("recorded by staff, cancelled, and paid back by staff: pending until then", async () => {
    const { body } = await place(ada, id);
    const record = { status: "confirmed" as const, payment_reference: "bank transfer 17" };
    expect((await staff.setStatus({ params: { id: body.id }, body: record })).status).toBe(200);
    await reaches(ada, body.id, "processing");
    const [payment] = await eventually(
      () => paymentsOf(body.id),
      (payments) => payments.length === 1,
    );
    expect(payment).toMatchObject({ provider: "external", status: "succeeded", attempt: null });
    const refund = { reference: "sent back" };
    const refunds = `/payments/${payment?.payment_id}/refunds`;
    expect((await staff.call("POST", refunds, refund)).status).toBe(409);

    await cancel(staff, body.id, "no longer made");
    await eventually(
      () => paymentsOf(body.id),
      ([p]) => p?.refund?.status === "pending",
    );
    expect((await orderOf(ada, body.id)).payment.refund?.status).toBe("pending");
    expect((await ada.call("POST", refunds, refund)).status).toBe(403);
    expect((await staff.call("POST", refunds, refund)).status).toBe(200);
    expect((await settled(body.id)).order.payment.refund?.status).toBe("done");
    expect((await statementOf(body.id)).charges).toEqual([]);
  });
});

describe("repeats", () => {
  test("an answer that the broker lost is asked for again and comes", async () => {
    const { body } = await place(ada, id, 1, "card_timeout_then_ok");
    await sleep(1_000); // the outbox is empty by then, so that nothing but the saga can ask again
    // The charge takes seconds: time to take the order service away before the answer is there.
    await Promise.all([processes.stop("order"), processes.stop("order-daprd")]);
    const lost = await eventually(() => broker.find("payments.succeeded", body.id), Boolean);
    await broker.lose("payments.succeeded", lost as NonNullable<typeof lost>);
    await Promise.all([processes.start("order-daprd"), processes.start("order")]);
    expect(
      (
        await eventually(
          () => orderOf(ada, body.id),
          (order) => order.status === "processing",
          50,
        )
      ).status,
    ).toBe("processing");
    expect((await timelineOf(ada, body.id)).map((entry) => entry.name)).toContain("asked again");
    expect((await statementOf(body.id)).charges).toHaveLength(1);
  });
});

describe("foreign facts", () => {
  const upstream = (over: object = {}) => {
    const order_id = crypto.randomUUID();
    const items = [{ product_id: id, quantity: 2, price: "10.00" }];
    return { order_id, user_id: adaId, total: "23.80", currency: "EUR", items_count: 1, items, ...over };
  };

  test("an order in the older systems' words is the same order", async () => {
    const { user_id, total, ...event } = upstream({ payment_method: "card_ok" });
    await publishForeign("orders.created", { ...event, customer_id: user_id, total_amount: total });
    expect(await reaches(ada, event.order_id, "processing")).toMatchObject({ user_id, total });
  });

  test("an upstream checkout's order is taken in, charged by its total, and goes the whole way", async () => {
    const event = upstream({ payment_method: "card_ok" });
    await publishForeign("orders.created", event);
    await publishForeign("orders.created", event);
    const order = await reaches(ada, event.order_id, "processing");
    expect(order).toMatchObject({ subtotal: "20.00", tax: "3.80", total: "23.80", items: [{ name: product(4).name }] });
    expect(await statementOf(event.order_id)).toMatchObject({ net: 2380, charges: [{ status: "succeeded" }] });
  });

  test("money that comes before its order holds nobody up, outlives the service, and counts when the order comes", async () => {
    const events = Array.from({ length: 24 }, () => upstream());
    for (const { order_id, user_id, total, currency } of events)
      await publishForeign("payments.succeeded", {
        ...{ payment_id: crypto.randomUUID(), order_id, user_id, amount: total, currency },
        ...{ payment_date: new Date().toISOString(), payment_method: "wire", provider_id: order_id },
      });
    const wait = () => rowsUnder("order", "early:");
    expect(await eventually(wait, (rows) => rows >= 24)).toBeGreaterThanOrEqual(24);
    const { body } = await place(ada, id, 1, "card_ok");
    expect((await reaches(ada, body.id, "processing", 8)).status).toBe("processing");
    await processes.kill("order");
    for (const event of events) await publishForeign("orders.created", event);
    for (const { order_id } of events) {
      expect((await reaches(ada, order_id, "processing", 30)).payment).toMatchObject({ status: "succeeded" });
      expect(await statementOf(order_id)).toMatchObject({ charges: [] });
    }
  });

  test("its payment by someone else counts once, and a second one is owed back", async () => {
    const event = upstream();
    await publishForeign("orders.created", event);
    await reaches(ada, event.order_id, "payment_required");
    const payment = (payment_id: string) => ({
      ...{ payment_id, order_id: event.order_id, user_id: adaId, amount: "23.80", currency: "EUR" },
      ...{ payment_date: new Date().toISOString(), payment_method: "wire", provider_id: "bank-1" },
    });
    const [first, second] = [crypto.randomUUID(), crypto.randomUUID()];
    await publishForeign("payments.succeeded", payment(first));
    await publishForeign("payments.succeeded", payment(first));
    const order = await reaches(ada, event.order_id, "processing");
    expect(order.payment).toMatchObject({ status: "succeeded", payment_id: first, method: "wire" });
    await publishForeign("payments.succeeded", payment(second));
    const payments = await eventually(
      () => paymentsOf(event.order_id),
      (all) => all.length === 2,
    );
    expect(
      payments.map(({ payment_id, provider, refund }) => [payment_id, provider, refund?.status ?? null]).sort(),
    ).toEqual(
      [
        [first, "external", null],
        [second, "external", "pending"],
      ].sort(),
    );
  });

  test("answers of foreign programs are understood: refused, reserved, released, refunded", async () => {
    await processes.stop("inventory");
    const { order_id, ...event } = upstream();
    const about = { order_id, user_id: adaId };
    await publishForeign("orders.created", { order_id, ...event });
    await reaches(ada, order_id, "payment_required");
    const pay = { ...about, amount: "23.80", currency: "EUR" };
    const payment_id = crypto.randomUUID();
    await publishForeign("payments.succeeded", {
      ...{ ...pay, payment_id, payment_date: new Date().toISOString(), payment_method: "wire", provider_id: "b" },
    });
    await reaches(ada, order_id, "paid");
    const items = [{ product_id: id, quantity: 2 }];
    const reservation_id = crypto.randomUUID();
    await publishForeign("inventory.reserved", {
      reservation_id,
      order_id,
      items,
      reserved_at: new Date().toISOString(),
    });
    expect((await reaches(ada, order_id, "processing")).reservation?.reservation_id).toBe(reservation_id);
    await cancel(staff, order_id);
    await publishForeign("payments.refund_failed", {
      ...{
        payment_id,
        refund_id: crypto.randomUUID(),
        order_id,
        code: "bank_closed",
        next_try_at: new Date().toISOString(),
      },
    });
    await eventually(
      () => orderOf(ada, order_id),
      (order) => order.payment.refund?.status === "failed",
    );
    await publishForeign("payments.refunded", {
      ...pay,
      payment_id,
      refund_id: crypto.randomUUID(),
      refunded_at: new Date().toISOString(),
    });
    await publishForeign("inventory.released", { order_id, items, released_at: new Date().toISOString() });
    const { order } = await settled(order_id);
    await processes.start("inventory");
    expect(order).toMatchObject({ status: "cancelled", payment: { refund: { status: "done" } } });
  });

  test("a refusal by someone else counts; our own success after it is given back", async () => {
    const { body } = await place(ada, id, 1, "card_timeout_then_ok");
    const { user_id, total: amount, currency } = body;
    await publishForeign("payments.failed", {
      ...{
        payment_id: crypto.randomUUID(),
        order_id: body.id,
        user_id,
        amount,
        currency,
        reason: "fraud",
        code: "fraud",
      },
    });
    expect((await reaches(ada, body.id, "payment_failed", 3)).payment.code).toBe("fraud");
    const back = await eventually(
      () => statementOf(body.id),
      (statement) => statement.refunds.length > 0 && statement.net === 0,
    );
    expect(back).toMatchObject({ net: 0, charges: [{ status: "succeeded" }], refunds: [{ status: "succeeded" }] });
  });

  test("a charge that nobody asked us for goes back, an out-of-stock by someone else cancels", async () => {
    const event = upstream();
    await publishForeign("orders.created", event);
    await reaches(ada, event.order_id, "payment_required");
    const { order_id } = event;
    const request = {
      order_id,
      user_id: adaId,
      amount: "23.80",
      currency: "EUR",
      attempt: 1,
      payment_method: "card_ok",
    };
    await publishForeign("payments.requested", request);
    const back = await eventually(
      () => statementOf(order_id),
      (statement) => statement.refunds.length > 0,
    );
    expect(back).toMatchObject({ net: 0 });
    const timestamp = new Date().toISOString();
    await publishForeign("inventory.out_of_stock", {
      order_id,
      product_id: id,
      requested_qty: 2,
      available_qty: 1,
      timestamp,
    });
    expect((await settled(order_id)).order.cancel_reason).toBe("out_of_stock");
  });

  test("inventory and notification serve an order service that is not ours", async () => {
    const before = await stockOf(id);
    const order_id = crypto.randomUUID();
    const about = { order_id, user_id: adaId };
    const now = new Date().toISOString();
    const items = [{ product_id: id, quantity: 3, price: "1.00" }];
    const pay = { payment_id: crypto.randomUUID(), payment_date: now, amount: "3.00", currency: "EUR" };
    await publishForeign("orders.paid", { ...about, ...pay, items });
    const reserved = { on_hand: before.on_hand - 3, reserved: before.reserved + 3 };
    expect(
      await eventually(
        () => stockOf(id),
        ({ on_hand }) => on_hand === reserved.on_hand,
      ),
    ).toMatchObject(reserved);
    await publishForeign("orders.payment_failed", { ...about, reason: "no", code: "no" });
    await publishForeign("orders.processing", { ...about, reservation_id: crypto.randomUUID() });
    await publishForeign("orders.shipped", { ...about, shipped_at: now, tracking_number: "T", carrier: "C" });
    await publishForeign("orders.delivered", { ...about, delivered_at: now });
    await publishForeign("orders.cancelled", { ...about, cancelled_at: now });
    expect(
      await eventually(
        () => stockOf(id),
        ({ on_hand }) => on_hand === before.on_hand,
      ),
    ).toEqual(before);
    const told = await eventually(
      async () => {
        const { items: all } = await must(ada.notifications({ query: { limit: 100 } }));
        return all.filter((message) => message.order_id === order_id).map(({ topic }) => topic);
      },
      (topics) => topics.length === 6,
    );
    const topics = ["paid", "payment_failed", "processing", "shipped", "delivered", "cancelled"];
    expect(told.sort()).toEqual(topics.map((name) => `orders.${name}`).sort());
  });

  test("money that comes when all is over is owed back, and a new saga sees to it", async () => {
    const { body } = await place(ada, id);
    await cancel(ada, body.id);
    await settled(body.id);
    const payment_id = crypto.randomUUID();
    await publishForeign("payments.succeeded", {
      ...{ payment_id, order_id: body.id, user_id: adaId, amount: body.total, currency: "EUR" },
      ...{ payment_date: new Date().toISOString(), payment_method: "wire", provider_id: "bank-2" },
    });
    await eventually(
      () => orderOf(ada, body.id),
      (order) => order.payment.refund?.status === "pending",
    );
    await eventually(
      () => staff.recordRefund({ params: { id: payment_id }, body: { reference: "sent back" } }),
      ({ status }) => status === 200,
    );
    expect((await settled(body.id)).order.payment.refund?.status).toBe("done");
    expect(
      await eventually(
        () => rowsUnder("order", "outbox:"),
        (rows) => rows === 0,
      ),
    ).toBe(0);
  });

  test("what can never be handled is set aside and holds nothing up", async () => {
    const before = await rowsUnder("order", "dead-letter:");
    const contradictory = upstream({ total: "1.00", payment_method: "card_ok" });
    await publishForeign("orders.created", contradictory);
    await publishForeign("orders.created", { nonsense: true });
    await broker.say("payments.succeeded", "not even JSON");
    await publishForeign("payments.failed", { ...upstream(), payment_id: "\u0000", reason: "\u0000" });
    const { body } = await place(ada, id, 1, "card_ok");
    expect((await reaches(ada, body.id, "processing", 8)).status).toBe("processing");
    expect(
      await eventually(
        () => rowsUnder("order", "dead-letter:"),
        (rows) => rows >= before + 4,
      ),
    ).toBe(before + 4);
    expect((await statementOf(contradictory.order_id)).charges).toEqual([]);
  });
});
