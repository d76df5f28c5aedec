import { describe, expect, test } from "vitest";
import { brokerIsOurs, brokerName } from "./support/broker.js";
import {
  eventually,
  must,
  orderOf,
  place,
  processes,
  product,
  reaches,
  signedIn,
  statementOf,
  stockOf,
  timelineOf,
} from "./support/system.js";

const ada = await signedIn("ada");
const staff = await signedIn("staff");

describe("the straight path", () => {
  test("an order is paid, reserved, shipped and delivered, and the customer hears of it", async () => {
    const { id, price } = product(0);
    const before = await stockOf(id);
    const { status, body, headers } = await place(ada, id, 2, "card_ok");
    expect([status, body.status, headers.get("location")]).toEqual([201, "payment_required", `/orders/${body.id}`]);

    const processing = await reaches(ada, body.id, "processing");
    expect(processing).toMatchObject({ status: "processing", payment: { status: "succeeded", attempt: 1 } });
    expect(await statementOf(body.id)).toMatchObject({ net: 2 * price, charges: [{ status: "succeeded" }] });
    expect(await stockOf(id)).toMatchObject({
      on_hand: before.on_hand - 2,
      held: before.held,
      reserved: before.reserved + 2,
    });

    const ship = { status: "shipped" as const, tracking_number: "T-1", carrier: "Post" };
    expect((await staff.setStatus({ params: { id: body.id }, body: ship })).status).toBe(200);
    expect((await staff.setStatus({ params: { id: body.id }, body: { status: "completed" } })).status).toBe(200);
    const delivered = await orderOf(ada, body.id);
    expect(delivered).toMatchObject({ status: "delivered", shipment: { tracking_number: "T-1", carrier: "Post" } });

    const timeline = await timelineOf(ada, body.id);
    expect(timeline.map((entry) => entry.status)).toEqual([
      "payment_required",
      "paid",
      "processing",
      "shipped",
      "delivered",
    ]);
    expect(timeline.map((entry) => entry.seq)).toEqual([1, 2, 3, 4, 5]);
    expect(timeline[0]?.trace_id).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(timeline.slice(0, 3).map((entry) => entry.trace_id)).size).toBe(1);

    const told = await eventually(
      async () => {
        const { items } = await must(ada.notifications({ query: { limit: 100 } }));
        return items.filter((message) => message.order_id === body.id).map((message) => message.topic);
      },
      (topics) => topics.length === 5,
    );
    expect(told.sort()).toEqual([
      "orders.created",
      "orders.delivered",
      "orders.paid",
      "orders.processing",
      "orders.shipped",
    ]);
  });
});

describe("the two commonest turns", () => {
  test("a declined card: no money moves, the goods stay held, and the customer may pay again", async () => {
    const { id, price } = product(1);
    const before = await stockOf(id);
    const { body } = await place(ada, id, 1, "card_declined");
    const failed = await reaches(ada, body.id, "payment_failed");
    expect(failed).toMatchObject({ payment: { status: "failed", code: "card_declined", attempt: 1 } });
    expect((await statementOf(body.id)).net).toBe(0);
    expect(await stockOf(id)).toMatchObject({ on_hand: before.on_hand, held: before.held + 1 });

    const again = await ada.payOrder({ params: { id: body.id }, body: { payment_method: "card_ok" } });
    expect(again.status).toBe(202);
    expect(await reaches(ada, body.id, "processing")).toMatchObject({ payment: { status: "succeeded", attempt: 2 } });
    expect((await statementOf(body.id)).net).toBe(price);
  });

  test("out of stock at POST: 409 says what is left, nothing is stored, nothing charged", async () => {
    const { id, stock } = product(12);
    const key = crypto.randomUUID();
    const refused = await place(ada, id, stock + 1, "card_ok", key);
    expect(refused.status).toBe(409);
    expect(refused.headers.get("content-type")).toMatch(/problem\+json/);
    expect(refused.body).toMatchObject({ product_id: id, requested_qty: stock + 1, available_qty: stock });
    expect(await stockOf(id)).toMatchObject({ on_hand: stock, held: 0, reserved: 0 });
  });

  test("out of stock that shows only later: cancelled, and the money is back", async () => {
    const { id, stock } = product(10);
    await processes.stop("inventory");
    const { status, body } = await place(ada, id, stock + 1, "card_ok");
    await processes.start("inventory");
    expect(status).toBe(201);
    const cancelled = await eventually(
      () => orderOf(ada, body.id),
      (order) => order.status === "cancelled" && order.payment.refund?.status === "done",
    );
    expect(cancelled).toMatchObject({
      status: "cancelled",
      cancel_reason: "out_of_stock",
      payment: { refund: { status: "done" } },
    });
    expect(await statementOf(body.id)).toMatchObject({
      net: 0,
      charges: [{ status: "succeeded" }],
      refunds: [{ status: "succeeded" }],
    });
    expect(await stockOf(id)).toMatchObject({ on_hand: stock, held: 0, reserved: 0 });
  });
});

describe("the saga", () => {
  test("ends the payment window: the order is cancelled and its goods are free again", async () => {
    const { id } = product(2);
    const before = await stockOf(id);
    const { body } = await place(ada, id, 3);
    expect(await stockOf(id)).toMatchObject({ held: before.held + 3 });
    const cancelled = await reaches(ada, body.id, "cancelled", 25);
    expect(cancelled.cancel_reason).toBe("payment_window_over");
    expect(
      await eventually(
        () => stockOf(id),
        (stock) => stock.held === before.held,
      ),
    ).toMatchObject(before);
    const ended = async () => {
      const names = (await timelineOf(ada, body.id)).map((entry) => entry.name);
      return names.includes("inventory.released");
    };
    expect(await eventually(ended, (is) => is)).toBe(true);
  });

  test("asks again for an answer that does not come", async () => {
    await processes.stop("payment");
    const { body } = await place(ada, product(3).id, 1, "card_ok");
    const asked = async () => (await timelineOf(ada, body.id)).some((entry) => entry.name === "asked again");
    expect(await eventually(asked, (is) => is)).toBe(true);
    await processes.start("payment");
    expect((await reaches(ada, body.id, "processing")).status).toBe("processing");
    expect((await statementOf(body.id)).charges).toHaveLength(1);
  });
});

describe("the outbox", () => {
  test.runIf(brokerIsOurs)("what the broker could not take is said when it is back", async () => {
    await processes.stop(brokerName);
    const { status, body } = await place(ada, product(4).id, 1, "card_ok");
    expect(status).toBe(201);
    await processes.start(brokerName);
    expect((await reaches(ada, body.id, "processing")).status).toBe("processing");
    expect((await statementOf(body.id)).charges).toHaveLength(1);
  });
});
