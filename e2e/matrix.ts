import { expect } from "vitest";
import { sagaName } from "../services/order/saga.js";
import {
  type Cell,
  cancel,
  cancelled,
  cancelledLater,
  commanded,
  commits,
  declined,
  deliver,
  delivered,
  ends,
  expires,
  hears,
  heldBack,
  messages,
  nothingHeard,
  oneMessage,
  othersGoOn,
  over,
  paidAgain,
  pause,
  pay,
  placed,
  processedAndDelivered,
  processing,
  refusedOnce,
  reserved,
  rests,
  restsAndIsDelivered,
  ship,
  shipped,
  shippedOrder,
  soon,
  start,
  thrice,
  tooLate,
  unpaid,
  unpaidOrder,
} from "./support/plays.js";
import { publishForeign, sql } from "./support/system.js";

// What may go wrong (columns) at each step of an order (rows), how it is brought about, and where the order ends.

export const faultNames = [
  "refused",
  "error",
  "timeout",
  "answer lost",
  "crash before commit",
  "crash after commit",
  "duplicate",
  "after cancel",
] as const;
type Fault = (typeof faultNames)[number];

/** A cell, or why there is none. */
type Row = Record<Fault, Cell | string>;

export const matrix: Record<string, Row> = {
  "prices asked": {
    refused: ends([], async (s) => {
      expect((await s.tryToPlace("card_ok", 1, crypto.randomUUID())).status).toBe(422);
    }),
    error: ends(processing, async (s) => {
      s.arm("product.asked", "error 3", "/rpc/products", s.product_id);
      await s.place("card_ok");
    }),
    timeout: ends(processing, async (s) => {
      s.arm("product.asked", "hold 1", "/rpc/products", s.product_id);
      await s.place("card_ok");
      await s.letGo("product.asked");
    }),
    "answer lost": ends(processing, async (s) => {
      s.arm("order.after-call", "error 1", "/rpc/products", s.product_id);
      await s.place("card_ok");
    }),
    "crash before commit": ends(processing, (s) =>
      s.dies("product.asked", "/rpc/products", () => s.place("card_ok"), s.product_id),
    ),
    "crash after commit": "it only reads",
    duplicate: "it only reads",
    "after cancel": "there is no order yet",
  },

  "hold at POST": {
    refused: ends([], async (s) => {
      expect((await s.tryToPlace("card_ok", 11)).status).toBe(409);
    }),
    // The order is taken without it, and the event makes it.
    error: ends(processing, async (s) => {
      s.arm("inventory.asked", "error 3", "/rpc/hold");
      await s.place("card_ok");
    }),
    timeout: ends(processing, async (s) => {
      s.arm("inventory.asked", "hold 1", "/rpc/hold");
      await s.place("card_ok");
      await s.letGo("inventory.asked");
    }),
    "answer lost": ends(processing, async (s) => {
      s.arm("order.after-call", "error 1", "/rpc/hold");
      await s.place("card_ok");
    }),
    ...commits("inventory", '"key":"hold:', processing, placed),
    duplicate: ends(processing, async (s) => {
      const answers = await Promise.all([s.place("card_ok"), s.place("card_ok")]);
      expect(answers.map(({ body }) => body.id)).toEqual([s.id, s.id]);
    }),
    // The request waits at inventory for longer than the order service does; the order is taken without it.
    "after cancel": ends(cancelled(unpaid), async (s) => {
      s.arm("inventory.asked", "hold 9", "/rpc/hold");
      await s.place();
      await s.cancel();
      await s.untilNamed("inventory.released");
      await s.letGo("inventory.asked");
    }),
  },

  "order stored": {
    refused: ends(processing, async (s) => {
      await s.place("card_ok");
      expect((await s.tryToPlace("card_ok", 2)).status).toBe(422);
    }),
    error: ends(processing, async (s) => {
      s.arm("order.before-commit", "error 1", '"name":"place"');
      await s.place("card_ok");
    }),
    timeout: ends(processing, async (s) => {
      s.arm("order.asked", "hold 1", "/orders items", s.product_id);
      const first = s.place("card_ok");
      await s.hit("order.asked");
      await s.place("card_ok");
      await s.letGo("order.asked");
      expect((await first).body.id).toBe(s.id);
    }),
    "answer lost": ends(processing, async (s) => {
      s.arm("order.after-commit", "error 1", '"name":"place"');
      s.arm("order.answered", "error 1", "/orders");
      await s.place("card_ok");
    }),
    ...commits("order", '"name":"place"', processing, placed),
    duplicate: ends(processing, async (s) => {
      await reserved(s);
      expect(await s.place("card_ok")).toMatchObject({ status: 200, body: { id: s.id, status: "processing" } });
    }),
    "after cancel": ends(cancelled(processing), async (s) => {
      await cancelledLater(s);
      await s.until("cancelled");
      expect(await s.place("card_ok")).toMatchObject({ status: 200, body: { id: s.id, status: "cancelled" } });
    }),
  },

  // Nothing is heard of the order, so its row in the outbox begins the saga. That it runs shows where nobody else moves
  // the order: at the end of the time to pay.
  "saga begun by itself": {
    refused: "a saga that is there already counts as begun: see duplicate",
    error: ends(cancelled(unpaid), async (s) => {
      s.arm("order.before-call", "error 2", start);
      await expires(s);
    }),
    timeout: ends(cancelled(unpaid), async (s) => {
      s.arm("order.before-call", "hold 1", start);
      await expires(s);
      await s.hit("order.before-call");
      await pause(6);
      await s.letGo("order.before-call");
    }),
    "answer lost": ends(cancelled(unpaid), async (s) => {
      s.arm("order.after-call", "error 1", start);
      await expires(s);
    }),
    "crash before commit": "it is stored with the order",
    "crash after commit": ends(cancelled(unpaid), (s) => s.dies("order.before-call", start, () => expires(s))),
    // While it runs, and when it has ended: then it begins anew, and finds that there is nothing to do.
    duplicate: ends(cancelled(unpaid), async (s) => {
      const input = { order_id: s.id, pay_by: soon(600), repeat_seconds: 3, known: nothingHeard, known_at: soon(-3) };
      await expires(s);
      await s.sagaIs("RUNNING");
      await s.saga(`${sagaName}/start?instanceID=${s.id}`, input);
      await s.sagaIs("COMPLETED");
      await s.saga(`${sagaName}/start?instanceID=${s.id}`, input);
    }),
    // It falls due, and is on its way until all is over; the hint of the cancel begins another one meanwhile.
    "after cancel": ends(cancelled(unpaid), async (s) => {
      s.arm("order.before-call", "hold 1", start);
      await s.upstream();
      await s.hit("order.before-call");
      await s.cancel();
      await s.untilNamed("inventory.released");
      await s.sagaIs("COMPLETED");
      await s.letGo("order.before-call");
    }),
  },

  // Where the order rests; that it runs, and knows where the order stands, shows at the end: being told so, it ends.
  "saga begun by a hint": {
    // The row falls due while the change that takes it away is on its way: both begin it.
    refused: ends(processedAndDelivered, async (s) => {
      s.arm("order.before-commit", "hold 1", '"name":"inventory.reserved"');
      await s.place("card_ok");
      await s.hit("order.before-commit");
      await s.sagaIs("RUNNING");
      await s.letGo("order.before-commit");
      await s.until("processing");
      await s.deliver();
    }),
    error: ends(processedAndDelivered, async (s) => {
      s.arm("order.before-call", "error 2", rests);
      await restsAndIsDelivered(s);
    }),
    timeout: ends(processedAndDelivered, async (s) => {
      s.arm("order.before-call", "hold 1", rests);
      await reserved(s);
      await s.hit("order.before-call");
      await pause(6);
      await s.letGo("order.before-call");
      await s.sagaIs("RUNNING");
      await s.deliver();
    }),
    "answer lost": ends(processedAndDelivered, async (s) => {
      s.arm("order.after-call", "error 1", rests);
      await restsAndIsDelivered(s);
    }),
    "crash before commit": "it is stored with the change it tells of",
    "crash after commit": ends(processedAndDelivered, async (s) => {
      await s.dies("order.before-call", rests, () => reserved(s));
      await s.sagaIs("RUNNING");
      await s.deliver();
    }),
    // The hint once more, when the saga has ended: it begins anew, and must not wait for what was said already.
    duplicate: ends(processedAndDelivered, async (s) => {
      await restsAndIsDelivered(s);
      await s.sagaIs("COMPLETED");
      const known = { version: 3, phase: "delivering", waiting: false };
      const input = { order_id: s.id, pay_by: soon(600), repeat_seconds: 3, known, known_at: soon(-3) };
      await s.saga(`${sagaName}/start?instanceID=${s.id}`, input);
    }),
    // It comes when stock is back already; only the saga can ask for the refund that was lost.
    "after cancel": ends(cancelled(processing), async (s) => {
      s.arm("order.before-call", "hold 1", rests);
      s.arm("payment.before-call", "forget 1", "/pubsub/payments.refunded");
      await reserved(s);
      await s.hit("order.before-call");
      await s.cancel();
      await s.untilNamed("inventory.released");
      await s.letGo("order.before-call");
    }),
  },

  "charge asked": {
    refused: "only that of a cancelled order: see after cancel",
    ...hears("payment", "orders.created", processing, placed),
    "answer lost": ends(processing, async (s) => {
      s.arm("order.before-call", "forget 1", "/pubsub/orders.created");
      await s.place("card_ok");
    }),
    ...commits("payment", '"status":"pending"', processing, placed),
    "after cancel": ends(cancelled(unpaid), heldBack("payment.before-handle", '"orders.created"', placed, "payment")),
  },

  "provider charges": {
    refused: ends(declined, (s) => s.place("card_declined")),
    error: ends(processing, (s) => s.place("card_flaky")),
    timeout: ends(processing, (s) => s.place("card_timeout_then_ok")),
    "answer lost": ends(processing, async (s) => {
      s.arm("payment.after-call", "error 1", "/charges");
      s.arm("payment.before-call", "forget 1", "/pubsub/payments.succeeded");
      await s.place("card_ok");
    }),
    ...commits("payment", '"payments.succeeded"', processing, placed),
    // Asked for again while the answer of the first time is being stored.
    duplicate: ends(processing, async (s) => {
      s.arm("payment.before-commit", "hold 1", '"payments.succeeded"');
      await s.place("card_ok");
      await s.hit("payment.before-commit");
      await othersGoOn(s, "processing");
      await s.letGo("payment.before-commit");
    }),
    "after cancel": ends(
      cancelled(unpaid),
      async (s) => {
        await s.place("card_timeout_then_ok");
        await s.chargeId();
        expect(await s.cancel()).toBe(200);
      },
      { taken: true },
    ),
  },

  paid: {
    refused: "what does not count is given back: see after cancel",
    ...hears("order", "payments.succeeded", processing, placed),
    "answer lost": ends(processing, async (s) => {
      s.arm("order.before-call", "forget 1", "/pubsub/orders.paid");
      await s.place("card_ok");
    }),
    ...commits("order", '"name":"payments.succeeded"', processing, placed),
    "after cancel": ends(cancelled(unpaid), heldBack("order.before-handle", '"payments.succeeded"', placed), {
      taken: true,
    }),
  },

  "paid again": {
    refused: ends([...declined, ...declined], async (s) => {
      await refusedOnce(s);
      expect(await s.pay("card_declined")).toBe(202);
    }),
    ...commanded(pay, paidAgain, refusedOnce, "payments.requested"),
    duplicate: ends(paidAgain, async (s) => {
      await refusedOnce(s);
      expect(await thrice(s, pay.command)).toBe(409);
      await s.again("payments.requested", "payment");
    }),
    "after cancel": ends(
      cancelled([...declined, ...unpaid]),
      heldBack(
        "payment.before-handle",
        '"payments.requested"',
        async (s) => {
          await refusedOnce(s);
          await s.pay();
        },
        "payment",
      ),
    ),
  },

  reserved: {
    // Ten there are.
    refused: ends(cancelled([...unpaid, "paid"]), (s) => s.upstream({ quantity: 11, payment_method: "card_ok" })),
    ...hears("inventory", "orders.paid", processing, placed),
    "answer lost": ends(processing, async (s) => {
      s.arm("inventory.before-call", "forget 1", "/pubsub/inventory.reserved");
      await s.place("card_ok");
    }),
    ...commits("inventory", '"inventory.reserved"', processing, placed),
    "after cancel": ends(
      cancelled([...unpaid, "paid"]),
      heldBack("inventory.before-handle", '"orders.paid"', placed, "inventory"),
    ),
  },

  processing: {
    // Reserved before it is paid: set aside, and the order is as it was.
    refused: ends(unpaid, async (s) => {
      await s.upstream();
      await s.until("payment_required");
      const items = [{ product_id: s.product_id, quantity: 1 }];
      const fact = {
        reservation_id: crypto.randomUUID(),
        order_id: s.id,
        items,
        reserved_at: new Date().toISOString(),
      };
      await publishForeign("inventory.reserved", fact);
      const setAside = `SELECT count(*) FROM state WHERE starts_with(key, 'dead-letter:') AND value::text LIKE '%${s.id}%'`;
      await s.waitFor(
        "a dead letter",
        () => sql<[[number]]>("order", "query", setAside),
        ([[count]]) => count === 1,
      );
    }),
    ...hears("order", "inventory.reserved", processing, placed),
    "answer lost": "nobody is waited for",
    ...commits("order", '"name":"inventory.reserved"', processing, placed),
    "after cancel": ends(
      cancelled([...unpaid, "paid"]),
      heldBack("order.before-handle", '"inventory.reserved"', placed, "inventory"),
    ),
  },

  // Where the order stands; here that it is delivered, upon which the saga ends.
  "saga told": {
    refused: "a hint that was overtaken is no news: see duplicate",
    error: ends(processedAndDelivered, async (s) => {
      s.arm("order.before-call", "error 2", over);
      await restsAndIsDelivered(s);
    }),
    timeout: ends(processedAndDelivered, async (s) => {
      s.arm("order.before-call", "hold 1", over);
      await restsAndIsDelivered(s);
      await s.hit("order.before-call");
      await pause(6);
      await s.letGo("order.before-call");
    }),
    "answer lost": ends(processedAndDelivered, async (s) => {
      s.arm("order.after-call", "error 1", over);
      await restsAndIsDelivered(s);
    }),
    "crash before commit": "it is stored with the change it tells of",
    "crash after commit": ends(processedAndDelivered, (s) =>
      s.dies("order.before-call", over, () => restsAndIsDelivered(s)),
    ),
    // An old hint once more, which would end the saga; then only the saga can ask for the refund that the broker lost.
    duplicate: ends(cancelled(processing), async (s) => {
      await reserved(s);
      await s.sagaIs("RUNNING");
      await s.saga(`${s.id}/raiseEvent/changed`, { version: 1, phase: "ended", waiting: false });
      await pause(1);
      s.arm("payment.before-call", "forget 1", "/pubsub/payments.refunded");
      await s.cancel();
    }),
    "after cancel": "see that of the hint that begins it",
  },

  shipped: {
    refused: ends(unpaid, async (s) => {
      await unpaidOrder(s);
      expect(await s.ship()).toBe(409);
    }),
    ...commanded(ship, shipped, reserved),
    duplicate: ends(shipped, async (s) => {
      await reserved(s);
      expect(await thrice(s, ship.command)).toBe(200);
    }),
    "after cancel": ends(cancelled(processing), tooLate(ship)),
  },

  delivered: {
    refused: ends(unpaid, async (s) => {
      await unpaidOrder(s);
      expect(await s.deliver()).toBe(409);
    }),
    ...commanded(deliver, delivered, shippedOrder),
    duplicate: ends(delivered, async (s) => {
      await shippedOrder(s);
      expect(await thrice(s, deliver.command)).toBe(200);
    }),
    "after cancel": ends(cancelled(processing), tooLate(deliver)),
  },

  "time to pay over": {
    // An attempt is under way when the time is over, so the saga asks on.
    refused: ends(processing, async (s) => {
      s.arm("payment.before-handle", "hold 99", '"orders.created"');
      s.arm("order.after-step", "forget 1", '"expire"');
      await s.upstream({ pay_by: soon(3), payment_method: "card_ok" });
      await s.hit("order.after-step");
      await s.hit("payment.before-handle");
      await s.letGo("payment.before-handle");
    }),
    error: ends(cancelled(unpaid), async (s) => {
      s.arm("order.before-step", "error 2", '"expire"');
      await expires(s);
    }),
    timeout: ends(cancelled(unpaid), async (s) => {
      s.arm("order.before-step", "hold 1", '"expire"');
      await expires(s);
      await s.hit("order.before-step");
      await pause(5);
      await s.letGo("order.before-step");
    }),
    "answer lost": ends(cancelled(unpaid), async (s) => {
      s.arm("order.after-step", "error 1", '"expire"');
      await expires(s);
    }),
    ...commits("order", '"name":"expire"', cancelled(unpaid), expires),
    duplicate: "the step runs twice when its answer is lost",
    "after cancel": ends(cancelled(unpaid), heldBack("order.before-step", '"expire"', expires)),
  },

  cancelled: {
    refused: ends(shipped, async (s) => {
      await shippedOrder(s);
      expect(await s.cancel()).toBe(409);
    }),
    ...commanded(cancel, cancelled(processing), reserved, "orders.cancelled"),
    duplicate: ends(cancelled(processing), async (s) => {
      await reserved(s);
      expect(await thrice(s, cancel.command)).toBe(200);
    }),
    "after cancel": "it is the cancel",
  },

  "money given back": {
    refused: ends(cancelled(processing), async (s) => {
      await s.place("card_refund_fails_once");
      await s.until("processing");
      await s.cancel();
      await s.said("payments.refund_failed");
    }),
    ...hears("payment", "orders.cancelled", cancelled(processing), cancelledLater),
    error: ends(cancelled(processing), async (s) => {
      await reserved(s);
      s.arm("payment.before-call", "error 2", "/refunds", await s.chargeId());
      await s.cancel();
      await s.said("payments.refund_failed");
    }),
    // The first try is given up; meanwhile others have been made under the same key.
    timeout: ends(cancelled(processing), async (s) => {
      await reserved(s);
      s.arm("payment.before-call", "hold 1", "/refunds", await s.chargeId());
      await s.cancel();
      await s.hit("payment.before-call");
      await pause(4);
      await s.letGo("payment.before-call");
    }),
    "answer lost": ends(cancelled(processing), async (s) => {
      await reserved(s);
      s.arm("payment.after-call", "error 1", "/refunds", await s.chargeId());
      s.arm("payment.before-call", "forget 1", "/pubsub/payments.refunded");
      await s.cancel();
    }),
    ...commits("payment", '"payments.refunded"', cancelled(processing), cancelledLater),
    "after cancel": "it begins with the cancel",
  },

  "goods given back": {
    refused: "nobody refuses goods",
    ...hears("inventory", "orders.cancelled", cancelled(unpaid), async (s) => {
      await unpaidOrder(s);
      await s.cancel();
    }),
    "answer lost": ends(cancelled(processing), async (s) => {
      s.arm("inventory.before-call", "forget 1", "/pubsub/inventory.released");
      await cancelledLater(s);
    }),
    ...commits("inventory", '"inventory.released"', cancelled(processing), cancelledLater),
    "after cancel": "it begins with the cancel",
  },

  "refund heard": {
    refused: "a refund of the provider is a fact",
    ...hears("order", "payments.refunded", cancelled(processing), cancelledLater),
    "answer lost": "nobody is waited for",
    ...commits("order", '"name":"payments.refunded"', cancelled(processing), cancelledLater),
    "after cancel": "it begins with the cancel",
  },

  "customer told": {
    refused: ends(processing, (s) => s.upstream({ payment_method: "card_ok", user_id: crypto.randomUUID() }), {
      also: messages("undelivered"),
    }),
    ...hears("notification", "orders.processing", processing, placed, oneMessage),
    "answer lost": ends(
      processing,
      async (s) => {
        s.arm("notification.after-commit", "error 1", '"orders.processing"');
        await s.place("card_ok");
      },
      oneMessage,
    ),
    ...commits("notification", '"orders.processing"', processing, placed, oneMessage),
    "after cancel": ends(
      cancelled(processing),
      async (s) => {
        s.arm("notification.before-handle", "hold 9", '"orders.processing"');
        await cancelledLater(s);
        await s.hit("notification.before-handle");
        await s.until("cancelled");
        await s.letGo("notification.before-handle");
      },
      oneMessage,
    ),
  },
};
