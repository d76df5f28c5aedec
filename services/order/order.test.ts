import { describe, expect, test } from "vitest";
import type { Product } from "../../contracts/product.js";
import { type Command, type Decision, decide, type Order, progress } from "./order.js";
import { place, receive } from "./place.js";
import { view } from "./view.js";

const now = "2026-01-01T12:00:00.000Z";
const at = { now, actor: "test", trace_id: null };
const later = { ...at, now: "2026-01-01T13:00:00.000Z" };
const id = "00000000-0000-4000-8000-00000000000a";
const user_id = "00000000-0000-4000-8000-00000000000b";
const cup: Product = {
  id: "00000000-0000-4000-8000-000000000101",
  name: "Cup",
  description: "",
  price: "18.50",
  currency: "EUR",
  active: true,
  created_at: now,
  updated_at: now,
};
const products = new Map([[cup.id, cup]]);
const terms = {
  payment_window_seconds: 1800,
  repeat_interval_seconds: 15,
  currencies: ["EUR", "JPY"],
  tax_rates: { EUR: { DE: 1900 } },
};
const asked = {
  id,
  user_id,
  request_hash: "hash",
  items: [{ product_id: cup.id, quantity: 2 }],
  currency: undefined,
  payment_method: "card_ok" as string | undefined,
  customer_notes: undefined,
  metadata: undefined,
};

function placed(over: Partial<typeof asked> = {}): Order {
  const result = place({ ...asked, ...over }, products, "DE", terms, at);
  if (result.kind !== "placed") throw new Error(result.reason);
  return result.decision.order;
}

/** Plays commands that must all be legal and gives the order and everything it said. */
function play(order: Order, ...commands: Command[]) {
  const effects: string[] = [];
  for (const command of commands) {
    const decision = decide(order, command, command.type === "expire" ? later : at);
    if (decision.kind !== "changed") throw new Error(`${command.type}: ${JSON.stringify(decision)}`);
    order = decision.order;
    effects.push(...decision.effects.map((effect) => Object.values(effect)[0] as string));
  }
  return { order, effects };
}

const about = { order_id: id, user_id, currency: "EUR" };
const paymentId = (n: number) => `00000000-0000-4000-8000-00000000100${n}`;
const succeeded = (attempt = 1, amount = "44.03"): Command => ({
  type: "payment_succeeded",
  event: {
    ...about,
    payment_id: paymentId(attempt),
    amount,
    payment_date: now,
    payment_method: "card_ok",
    provider_id: "p",
    attempt,
  },
});
const recovered = (attempt: number): Command => {
  const { event } = succeeded(attempt) as Command & { type: "payment_succeeded" };
  return { type: "payment_succeeded", event: { ...event, recovered: true } };
};
const failed = (attempt = 1): Command => ({
  type: "payment_failed",
  event: { ...about, payment_id: paymentId(attempt), amount: "44.03", reason: "no", code: "card_declined", attempt },
});
const reserved: Command = {
  type: "reserved",
  event: { reservation_id: paymentId(8), order_id: id, items: [{ product_id: cup.id, quantity: 2 }], reserved_at: now },
};
const outOfStock: Command = {
  type: "out_of_stock",
  event: { order_id: id, product_id: cup.id, requested_qty: 2, available_qty: 1, timestamp: now },
};
const released: Command = { type: "released", event: { order_id: id, items: [], released_at: now } };
const refunded: Command = {
  type: "refunded",
  event: { ...about, payment_id: paymentId(1), refund_id: paymentId(9), amount: "44.03", refunded_at: now },
};
const ship: Command = { type: "ship", tracking_number: "T1", carrier: "Post" };
const deliver: Command = { type: "deliver" };
const cancel: Command = { type: "cancel", reason: "customer" };
const kind = (decision: Decision) => decision.kind;

describe("placing", () => {
  test("prices come from the catalogue, tax is exact, lines of one product become one", () => {
    const order = placed({ items: [asked.items[0] as never, { product_id: cup.id, quantity: 1 }] });
    expect(order.items).toEqual([{ product_id: cup.id, name: "Cup", quantity: 3, price: 1850 }]);
    expect([order.subtotal, order.tax, order.total]).toEqual([5550, 1055, 6605]);
    expect(order.pay_by).toBe("2026-01-01T12:30:00.000Z");
  });

  test("says orders.created", () => {
    const result = place(asked, products, "DE", terms, at);
    expect(result.kind === "placed" && result.decision.effects).toEqual([{ publish: "orders.created" }]);
  });

  test("an unknown product, one that is not sold any more, or another currency is refused", () => {
    const inactive = new Map([[cup.id, { ...cup, active: false }]]);
    expect(
      place({ ...asked, items: [{ product_id: paymentId(5), quantity: 1 }] }, products, "DE", terms, at).kind,
    ).toBe("refused");
    expect(place(asked, inactive, "DE", terms, at).kind).toBe("refused");
    expect(place({ ...asked, currency: "JPY" as never }, products, "DE", terms, at).kind).toBe("refused");
  });

  test("a currency that is not taken is refused, and so is a total that is no amount of money any more", () => {
    const reasonOf = (price: string, currency: string) => {
      const dear = new Map([[cup.id, { ...cup, price, currency }]]);
      const result = place({ ...asked, items: [{ product_id: cup.id, quantity: 10_000 }] }, dear, "DE", terms, at);
      return result.kind === "refused" ? result.reason : result.decision.order.total;
    };
    expect(reasonOf("1.00", "USD")).toBe("nothing is sold in USD");
    expect(reasonOf("99999999", "JPY")).toBe(999_999_990_000);
    expect(reasonOf("999999999", "JPY")).toBe("the total is too large");
    expect(reasonOf("999999999999.99", "EUR")).toBe("the total is too large");
  });

  test("an upstream checkout's order keeps its own tax, and its currency is nobody's to refuse", () => {
    const items = [{ product_id: cup.id, quantity: 2, price: "10.00" }];
    const event = { order_id: id, user_id, total: "20.05", currency: "SEK", items_count: 1, items };
    const result = receive(event, () => undefined, { ...terms, tax_rates: { SEK: { "*": 2500 } } }, at);
    expect(result.order).toMatchObject({ subtotal: 2000, tax: 5, total: 2005, currency: "SEK" });
  });
});

describe("the straight path", () => {
  test("paid, reserved, shipped, delivered: each step says what it must", () => {
    const { order, effects } = play(placed(), succeeded(), reserved, ship, deliver);
    expect(order.status).toBe("delivered");
    expect(effects).toEqual(["orders.paid", "orders.processing", "tell", "orders.shipped", "orders.delivered", "tell"]);
    expect(view(order)).toMatchObject({
      total: "44.03",
      payment: { status: "succeeded", amount: "44.03", refund: null },
    });
    expect(progress(order)).toEqual({ version: 5, phase: "ended", waiting: false });
  });

  test("each change adds one timeline entry and one to the version", () => {
    const { order } = play(placed(), succeeded(), reserved);
    expect([order.version, order.seq]).toEqual([3, 3]);
  });

  test("handed over without shipping: delivered from processing", () => {
    expect(play(placed(), succeeded(), reserved, deliver).order.status).toBe("delivered");
  });
});

describe("payment", () => {
  test("a refusal waits for another try; the second attempt counts", () => {
    const { order, effects } = play(placed(), failed(), { type: "pay", method: "card_ok" }, succeeded(2));
    expect(order.status).toBe("paid");
    expect(order.payment).toMatchObject({ attempt: 2, payment_id: paymentId(2), code: null });
    expect(effects).toEqual(["orders.payment_failed", "payments.requested", "tell", "orders.paid"]);
  });

  test("a repeat of the success that counted changes nothing", () => {
    const { order } = play(placed(), succeeded());
    expect(decide(order, succeeded(), at)).toEqual({ kind: "unchanged" });
  });

  test.each([
    ["of an older attempt", play(placed(), failed(), { type: "pay", method: "card_ok" }).order, succeeded(1)],
    ["of a wrong amount", placed(), succeeded(1, "44.02")],
    ["after another one counted", play(placed(), succeeded()).order, succeeded(2)],
    ["after the cancel", play(placed(), cancel).order, succeeded()],
  ])("a success %s is given back by its payment id", (_, order, command) => {
    const decision = decide(order, command, at);
    expect(decision).toMatchObject({ kind: "changed", order: { status: order.status } });
    const event = (command as { event: { payment_id: string } }).event;
    expect(decision.kind === "changed" && decision.effects).toMatchObject([
      { refund: { payment_id: event.payment_id } },
      { saga: "tell" },
    ]);
    expect(decision.kind === "changed" && kind(decide(decision.order, command, at))).toBe("unchanged");
  });

  test("money from elsewhere counts unless a charge of ours is under way, and goes back in its own currency", () => {
    const foreign = (amount: string, currency = "EUR"): Command => {
      const { event } = succeeded(1, amount) as Command & { type: "payment_succeeded" };
      const { attempt, ...rest } = event;
      return { type: "payment_succeeded", foreign: true, event: { ...rest, payment_id: paymentId(8), currency } };
    };
    const waiting = placed({ payment_method: undefined });
    expect(play(waiting, foreign("44.03")).order).toMatchObject({ status: "paid", payment: { external: true } });
    expect(play(placed(), foreign("44.03")).order).toMatchObject({ status: "payment_required", refunds: [{}] });
    expect(play(waiting, foreign("4403", "JPY")).order.refunds).toMatchObject([{ amount: 4403, currency: "JPY" }]);
    expect(kind(decide(waiting, foreign("-44.03"), at))).toBe("refused");
    expect(kind(decide(waiting, foreign("44.031"), at))).toBe("refused");
  });

  test("money that comes when all was over starts another saga, which sees to its return", () => {
    const { order } = play(placed(), failed(), cancel, released);
    const late = decide(order, succeeded(2), at);
    expect(late.kind === "changed" && late.effects.at(-1)).toEqual({ saga: "another" });
  });

  test("a refusal of an older attempt changes nothing", () => {
    const { order } = play(placed(), failed(), { type: "pay", method: "card_ok" });
    expect(decide(order, failed(1), at)).toEqual({ kind: "unchanged" });
  });

  test("paying is refused while an attempt is pending, after it is paid, and when the window is over", () => {
    const pay: Command = { type: "pay", method: "card_ok" };
    expect(kind(decide(placed(), pay, at))).toBe("refused");
    expect(kind(decide(play(placed(), succeeded()).order, pay, at))).toBe("refused");
    expect(kind(decide(play(placed(), failed()).order, pay, later))).toBe("refused");
    expect(kind(decide(placed({ payment_method: undefined }), pay, at))).toBe("changed");
  });

  test("the window ends only after pay_by and never while an attempt is under way", () => {
    expect(kind(decide(placed(), { type: "expire" }, later))).toBe("refused");
    expect(kind(decide(play(placed(), failed()).order, { type: "expire" }, at))).toBe("refused");
    const { order } = play(play(placed(), failed()).order, { type: "expire" });
    expect([order.status, order.cancel_reason]).toEqual(["cancelled", "payment_window_over"]);
    expect(kind(decide(play(placed(), succeeded()).order, { type: "expire" }, later))).toBe("unchanged");
  });

  test("money taken elsewhere is recorded once", () => {
    const record: Command = { type: "record_payment", payment_id: paymentId(7), reference: "till 4" };
    const { order, effects } = play(placed({ payment_method: undefined }), record);
    expect([order.status, order.payment.external]).toEqual(["paid", true]);
    expect(effects).toEqual([{ payment_id: paymentId(7), reference: "till 4" }, "orders.paid", "tell"]);
    expect(kind(decide(order, record, at))).toBe("unchanged");
    expect(kind(decide(placed(), record, at))).toBe("refused");
  });
});

describe("stock", () => {
  test("reserved counts only in paid; before that it contradicts, later it is late", () => {
    expect(kind(decide(placed(), reserved, at))).toBe("refused");
    expect(kind(decide(play(placed(), succeeded(), reserved).order, reserved, at))).toBe("unchanged");
    expect(kind(decide(play(placed(), cancel).order, reserved, at))).toBe("unchanged");
  });

  test("out of stock after payment cancels and owes the money back", () => {
    const { order, effects } = play(placed(), succeeded(), outOfStock);
    expect([order.status, order.cancel_reason]).toEqual(["cancelled", "out_of_stock"]);
    expect(view(order).payment.refund).toEqual({ status: "pending", refund_id: null, amount: "44.03" });
    expect(effects.slice(-2)).toEqual(["orders.cancelled", "tell"]);
    expect(kind(decide(play(placed(), succeeded(), reserved, ship).order, outOfStock, at))).toBe("unchanged");
  });
});

describe("cancelling", () => {
  test.each([
    ["payment_required", placed(), "changed"],
    ["payment_failed", play(placed(), failed()).order, "changed"],
    ["paid", play(placed(), succeeded()).order, "changed"],
    ["processing", play(placed(), succeeded(), reserved).order, "changed"],
    ["shipped", play(placed(), succeeded(), reserved, ship).order, "refused"],
    ["delivered", play(placed(), succeeded(), reserved, ship, deliver).order, "refused"],
    ["cancelled", play(placed(), cancel).order, "unchanged"],
  ])("from %s", (status, order, expected) => {
    expect(order.status).toBe(status);
    expect(kind(decide(order, cancel, at))).toBe(expected);
  });

  test("it ends when stock and money are both back, in either order", () => {
    const { order } = play(placed(), succeeded(), cancel);
    expect(progress(order)).toEqual({ version: 3, phase: "giving_back", waiting: true });
    expect(progress(play(order, released).order).phase).toBe("giving_back");
    expect(progress(play(order, refunded).order).phase).toBe("giving_back");
    expect(progress(play(order, released, refunded).order).phase).toBe("ended");
    expect(progress(play(order, refunded, released).order).phase).toBe("ended");
  });

  test("while a charge is under way it is not over", () => {
    const { order } = play(placed(), cancel, released);
    expect(progress(order).phase).toBe("giving_back");
    expect(progress(play(order, failed()).order).phase).toBe("ended");
    const late = play(order, succeeded()).order;
    expect(progress(late).phase).toBe("giving_back");
    expect(progress(play(late, refunded).order).phase).toBe("ended");
  });

  test("a failed refund shows, and a later one completes it", () => {
    const refundFailed: Command = {
      type: "refund_failed",
      event: { payment_id: paymentId(1), refund_id: paymentId(9), order_id: id, code: "no", next_try_at: now },
    };
    const { order } = play(placed(), succeeded(), cancel, refundFailed);
    expect(view(order).payment.refund?.status).toBe("failed");
    expect(view(play(order, refunded).order).payment.refund?.status).toBe("done");
  });
});

describe("asking again", () => {
  const reminded = (order: Order) => {
    const decision = decide(order, { type: "remind" }, at);
    return decision.kind === "changed" ? decision.effects : decision.kind;
  };

  test("says the request whose answer is missing, and nothing where none is", () => {
    expect(reminded(placed())).toEqual([{ publish: "orders.created" }]);
    expect(reminded(placed({ payment_method: undefined }))).toBe("unchanged");
    expect(reminded(play(placed(), failed()).order)).toBe("unchanged");
    const second = play(placed(), failed(), { type: "pay", method: "card_ok" }).order;
    expect(reminded(second)).toEqual([{ publish: "payments.requested" }]);
    expect(reminded(play(placed(), succeeded()).order)).toEqual([{ publish: "orders.paid" }]);
    expect(reminded(play(placed(), succeeded(), reserved).order)).toBe("unchanged");
    expect(reminded(play(placed(), succeeded(), cancel).order)).toEqual([{ publish: "orders.cancelled" }]);
    expect(reminded(play(placed(), succeeded(), cancel, released, refunded).order)).toBe("unchanged");
  });

  test("also money that did not count, until it is back; before that a delivered order has not ended", () => {
    const { order } = play(placed(), succeeded(), reserved, ship, deliver, succeeded(2));
    expect(reminded(order)).toMatchObject([{ refund: { payment_id: paymentId(2), currency: "EUR" } }]);
    expect(progress(order)).toMatchObject({ phase: "delivering", waiting: true });
  });

  test("after the cancel it also says again the charge whose outcome is missing", () => {
    const { order } = play(placed(), cancel, released);
    expect(reminded(order)).toEqual([{ publish: "orders.cancelled" }, { publish: "orders.created" }]);
    expect(reminded(play(order, failed()).order)).toBe("unchanged");
  });
});

test("moves by hand: what is illegal is refused and names what is allowed", () => {
  expect(decide(placed(), ship, at)).toMatchObject({ kind: "refused", allowed: ["paid", "cancelled"] });
  expect(decide(play(placed(), succeeded()).order, deliver, at)).toMatchObject({
    kind: "refused",
    allowed: ["cancelled"],
  });
  expect(kind(decide(play(placed(), succeeded(), reserved, ship).order, ship, at))).toBe("unchanged");
});

describe("notes and metadata", () => {
  const annotate = (patch: object, versions?: number[]): Command => ({ type: "annotate", patch, versions });

  test("are merged, say nothing to anybody, and the same again changes nothing", () => {
    const first = play(placed(), annotate({ customer_notes: "ring", metadata: { a: "1", b: "2" } }));
    expect(first.effects).toEqual([]);
    const { order } = play(first.order, annotate({ metadata: { a: null, c: "3" } }));
    expect(order).toMatchObject({ customer_notes: "ring", metadata: { b: "2", c: "3" }, version: 3 });
    expect(kind(decide(order, annotate({ customer_notes: "ring", metadata: { c: "3" } }), at))).toBe("unchanged");
    expect(play(order, annotate({ customer_notes: null })).order.customer_notes).toBeNull();
  });

  test("are left alone when the order is of another version, or would get too many entries", () => {
    expect(kind(decide(placed(), annotate({ customer_notes: "x" }, [7, 0]), at))).toBe("stale");
    expect(kind(decide(placed(), annotate({ customer_notes: "x" }, [7, 1]), at))).toBe("changed");
    const many = Object.fromEntries([...Array(51).keys()].map((n) => [`${n}`, ""]));
    expect(kind(decide(placed(), annotate({ metadata: many }), at))).toBe("refused");
  });
});

test("an order is removed when it is delivered or cancelled, and nothing is on its way any more", () => {
  const remove: Command = { type: "remove" };
  for (const order of [placed(), play(placed(), succeeded()).order, play(placed(), succeeded(), reserved).order])
    expect(decide(order, remove, at)).toMatchObject({ kind: "refused" });
  const owing = play(placed(), succeeded(), cancel).order;
  expect(decide(owing, remove, at)).toMatchObject({
    kind: "refused",
    reason: "money or goods are still on their way back",
  });
  expect(kind(decide(play(owing, refunded).order, remove, at))).toBe("refused");
  expect(kind(decide(play(placed(), cancel, released).order, remove, at))).toBe("refused");
  expect(play(owing, refunded, released, remove).order.deleted_at).toBe(now);
});

// The order remembers its latest ids only (kit/aggregate.ts): what it has forgotten must change nothing either.
const pay: Command = { type: "pay", method: "card_ok" };
const refundFailed: Command = {
  type: "refund_failed",
  event: { order_id: id, payment_id: paymentId(1), refund_id: paymentId(9), code: "busy", next_try_at: later.now },
};
test.each<[string, Command[]]>([
  ["delivered", [succeeded(), reserved, ship, deliver]],
  ["paid in the second attempt", [failed(), pay, succeeded(2), reserved]],
  ["paid twice", [failed(), pay, succeeded(2), succeeded(), refundFailed, refunded, reserved]],
  ["paid wrongly first", [succeeded(1, "1.00"), refunded, succeeded(2), cancel]],
  ["given back", [succeeded(), reserved, cancel, refundFailed, refunded, released]],
  ["given back the other way round", [cancel, released, succeeded(), refundFailed, refunded]],
  ["cancelled while its charge was under way", [cancel, failed(), released]],
  ["out of stock", [succeeded(), outOfStock, released, refunded]],
])("a forgotten fact that comes again changes nothing: %s", (_, commands) => {
  const isFact = ({ type }: Command) => !["pay", "ship", "deliver", "cancel"].includes(type);
  let order = placed();
  commands.forEach((command, n) => {
    const decision = decide(order, command, at);
    if (decision.kind === "changed") ({ order } = decision);
    const again = commands.slice(0, n + 1).filter(isFact);
    expect(again.filter((fact) => decide(order, fact, later).kind === "changed")).toEqual([]);
  });
});

describe("an order that a back-up brought back, older than its money", () => {
  test("is paid by an attempt that it does not know, once", () => {
    for (const before of [[], [failed()]]) {
      const { order, effects } = play(placed(), ...before, recovered(3));
      expect(order).toMatchObject({ status: "paid", payment: { attempt: 3, payment_id: paymentId(3) }, refunds: [] });
      expect(effects).toContain("orders.paid");
      expect(play(order, recovered(2)).order.refunds).toHaveLength(1);
    }
  });

  test("gives the money of an attempt back that was made without it", () => {
    expect(play(placed(), succeeded(3)).order).toMatchObject({
      status: "payment_required",
      refunds: [{ payment_id: paymentId(3), status: "pending" }],
    });
  });

  test("is not paid by it when it has been cancelled: that money goes back", () => {
    const { order } = play(placed(), cancel, recovered(2));
    expect(order).toMatchObject({ status: "cancelled", refunds: [{ payment_id: paymentId(2), status: "pending" }] });
  });

  test("is cancelled when its money has been given back, and owes nothing", () => {
    for (const before of [[succeeded()], [succeeded(), reserved]]) {
      const { order, effects } = play(placed(), ...before, refunded);
      expect(order).toMatchObject({
        status: "cancelled",
        cancel_reason: "refunded",
        refunds: [{ payment_id: paymentId(1), status: "done" }],
      });
      expect(effects.slice(-2)).toEqual(["orders.cancelled", "tell"]);
      expect(progress(play(order, released).order).phase).toBe("ended");
    }
  });

  test("that was shipped stays so: people decide", () => {
    const { order } = play(placed(), succeeded(), reserved, ship);
    expect(kind(decide(order, refunded, at))).toBe("unchanged");
  });
});
