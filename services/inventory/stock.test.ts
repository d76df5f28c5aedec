import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Command, decide, type Hold, merged, type Stock } from "./stock.js";

const now = "2026-01-01T12:00:00.000Z";
const soon = "2026-01-01T12:01:00.000Z";
const much = "2026-01-01T13:00:00.000Z";
const cup = "cup";
const pot = "pot";

/** Stock in memory that plays commands through the real decisions. */
function shelf(stocks: Record<string, number>) {
  const stock = new Map<string, Stock>(
    Object.entries(stocks).map(([product_id, on_hand]) => [product_id, { product_id, on_hand, held: 0, reserved: 0 }]),
  );
  const holds = new Map<string, Hold>();
  return {
    stock,
    holds,
    put(command: Command, at = now) {
      const order = "order_id" in command ? command.order_id : "";
      const decision = decide(command, (id) => stock.get(id), holds.get(order), at);
      for (const changed of decision.stock) stock.set(changed.product_id, changed);
      if (decision.hold) holds.set(order, decision.hold);
      return decision;
    },
    counts: (id: string) => {
      const { on_hand, held, reserved } = stock.get(id) as Stock;
      return [on_hand, held, reserved];
    },
  };
}

const hold = (order_id: string, quantity = 2, until = soon): Command => ({
  type: "hold",
  order_id,
  items: [{ product_id: cup, quantity }],
  until,
});
const reserve = (order_id: string, quantity = 2): Command => ({
  type: "reserve",
  order_id,
  items: [{ product_id: cup, quantity }],
  reservation_id: "r",
});
const release = (order_id: string): Command => ({ type: "release", order_id });
const lapse = (order_id: string): Command => ({ type: "lapse", order_id });

describe("hold", () => {
  test("is part of what is on hand; a repeat holds nothing more", () => {
    const house = shelf({ cup: 5 });
    expect(house.put(hold("a")).reply).toEqual({ kind: "held" });
    expect(house.put(hold("a")).reply).toEqual({ kind: "held" });
    expect(house.counts(cup)).toEqual([5, 2, 0]);
  });

  test("is refused when less is available, and nothing changes", () => {
    const house = shelf({ cup: 3 });
    house.put(hold("a"));
    expect(house.put(hold("b")).reply).toEqual({
      kind: "out_of_stock",
      product_id: cup,
      requested_qty: 2,
      available_qty: 1,
    });
    expect(house.counts(cup)).toEqual([3, 2, 0]);
  });

  test("all lines or none", () => {
    const house = shelf({ cup: 5, pot: 0 });
    const both = [
      { product_id: cup, quantity: 1 },
      { product_id: pot, quantity: 1 },
    ];
    expect(house.put({ type: "hold", order_id: "a", items: both, until: soon }).reply.kind).toBe("out_of_stock");
    expect(house.counts(cup)).toEqual([5, 0, 0]);
  });

  test("is extended, not doubled, and follows the event's lines", () => {
    const house = shelf({ cup: 5 });
    house.put(hold("a", 2));
    house.put(hold("a", 2, much));
    expect(house.holds.get("a")?.expires_at).toBe(much);
    house.put(hold("a", 3, much));
    expect(house.counts(cup)).toEqual([5, 3, 0]);
  });

  test("lapses after its time and not before", () => {
    const house = shelf({ cup: 5 });
    house.put(hold("a"));
    house.put(lapse("a"));
    expect(house.counts(cup)).toEqual([5, 2, 0]);
    house.put(lapse("a"), much);
    expect(house.counts(cup)).toEqual([5, 0, 0]);
  });
});

describe("reservation", () => {
  test("takes the held units out of what is on hand", () => {
    const house = shelf({ cup: 5 });
    house.put(hold("a"));
    expect(house.put(reserve("a")).say).toBe("inventory.reserved");
    expect(house.counts(cup)).toEqual([3, 0, 2]);
  });

  test("a repeat says the stored answer again and moves nothing", () => {
    const house = shelf({ cup: 5 });
    house.put(hold("a"));
    house.put(reserve("a"));
    const again = house.put(reserve("a"), soon);
    expect([again.say, again.hold, again.stock]).toEqual(["inventory.reserved", undefined, []]);
  });

  test("works without a hold while there is stock, else it is out of stock, for good", () => {
    const house = shelf({ cup: 3 });
    expect(house.put(reserve("a")).say).toBe("inventory.reserved");
    expect(house.put(reserve("b")).say).toBe("inventory.out_of_stock");
    house.put({ type: "adjust", product_id: cup, on_hand: 9, actor: "staff" });
    expect(house.put(reserve("b")).say).toBe("inventory.out_of_stock");
    expect(house.put(hold("b")).reply.kind).toBe("unchanged");
  });

  test("after the hold lapsed and another took the goods it is out of stock", () => {
    const house = shelf({ cup: 2 });
    house.put(hold("a"));
    house.put(lapse("a"), much);
    house.put(hold("b", 2, "2026-01-01T14:00:00.000Z"), much);
    expect(house.put(reserve("a"), much).say).toBe("inventory.out_of_stock");
    expect(house.counts(cup)).toEqual([2, 2, 0]);
  });
});

describe("release", () => {
  test("frees a hold, returns a reservation, once", () => {
    const house = shelf({ cup: 5 });
    house.put(hold("a"));
    house.put(release("a"));
    expect(house.counts(cup)).toEqual([5, 0, 0]);
    house.put(hold("b"));
    house.put(reserve("b"));
    house.put(release("b"));
    expect(house.put(release("b")).say).toBe("inventory.released");
    expect(house.counts(cup)).toEqual([5, 0, 0]);
  });

  test("before anything else it leaves a mark that keeps a late hold or reservation out", () => {
    const house = shelf({ cup: 5 });
    expect(house.put(release("a")).say).toBe("inventory.released");
    expect(house.put(hold("a")).reply).toEqual({ kind: "closed" });
    expect(house.put(reserve("a")).say).toBeUndefined();
    expect(house.counts(cup)).toEqual([5, 0, 0]);
  });
});

test("stock may not be set below what is held; an adjustment is written down", () => {
  const house = shelf({ cup: 5 });
  house.put(hold("a"));
  const adjust = (on_hand: number) => house.put({ type: "adjust", product_id: cup, on_hand, actor: "staff" });
  expect(adjust(1).reply).toEqual({ kind: "below_held", held: 2 });
  expect(adjust(7).adjustment?.delta).toBe(2);
  expect(house.counts(cup)).toEqual([7, 2, 0]);
});

test("lines of one product are merged", () => {
  expect(merged([hold("a"), hold("a")].flatMap((c) => (c.type === "hold" ? c.items : [])))).toEqual([
    { product_id: cup, quantity: 4 },
  ]);
});

test("whatever comes in whatever order, units are conserved and nothing is promised twice", () => {
  const orders = ["a", "b", "c"];
  const command = fc.oneof(
    fc.record({
      type: fc.constant("hold" as const),
      order_id: fc.constantFrom(...orders),
      items: lines(),
      until: fc.constantFrom(soon, much),
    }),
    fc.record({
      type: fc.constant("reserve" as const),
      order_id: fc.constantFrom(...orders),
      items: lines(),
      reservation_id: fc.constant("r"),
    }),
    fc.record({ type: fc.constant("release" as const), order_id: fc.constantFrom(...orders) }),
    fc.record({ type: fc.constant("lapse" as const), order_id: fc.constantFrom(...orders) }),
    fc.record({
      type: fc.constant("adjust" as const),
      product_id: fc.constantFrom(cup, pot),
      on_hand: fc.nat(9),
      actor: fc.constant("staff"),
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(command, fc.constantFrom(now, much))), (steps) => {
      const house = shelf({ cup: 4, pot: 3 });
      const total = new Map([
        [cup, 4],
        [pot, 3],
      ]);
      for (const [step, at] of steps) {
        const { adjustment } = house.put(step, at);
        if (adjustment) total.set(adjustment.product_id, (total.get(adjustment.product_id) ?? 0) + adjustment.delta);
        for (const { product_id, on_hand, held, reserved } of house.stock.values()) {
          const held_ = sum(house.holds, "held", product_id);
          expect([on_hand + reserved, held, reserved]).toEqual([
            total.get(product_id),
            held_,
            sum(house.holds, "reserved", product_id),
          ]);
          expect(on_hand - held).toBeGreaterThanOrEqual(0);
        }
      }
    }),
    { numRuns: 500 },
  );
});

function lines() {
  return fc.uniqueArray(
    fc.record({ product_id: fc.constantFrom(cup, pot), quantity: fc.integer({ min: 1, max: 3 }) }),
    {
      minLength: 1,
      selector: (line) => line.product_id,
    },
  );
}

const sum = (holds: Map<string, Hold>, status: Hold["status"], product: string): number =>
  [...holds.values()]
    .filter((h) => h.status === status)
    .flatMap((h) => h.items)
    .reduce((all, item) => all + (item.product_id === product ? item.quantity : 0), 0);
