import { expect, test } from "vitest";
import type { OrderView, TimelineEntry } from "../contracts/order.js";
import { type Facts, wrongs } from "./demo-check.js";
import { stories } from "./demo-stories.js";
import type { End } from "./demo-story.js";

const before = { on_hand: 500, held: 3, reserved: 7 };
const endOf = (name: string) => stories.find((story) => story.name === name)!.end;
const move = (status: string) => ({ amount: 4345, currency: "EUR", status });

/** What is found when a story has ended as `end` says. */
function facts(end: End, after: object = {}): Facts {
  const back = end.money === "given back";
  const sum = end.charges.filter((status) => status === "succeeded").length * 4345;
  const payment = { status: end.payment, attempt: end.attempt, refund: back ? { status: "done" } : null };
  const about = { status: end.status, cancel_reason: end.reason ?? null, total: "43.45", currency: "EUR" };
  const statement = { charges: end.charges.map(move), refunds: back ? [move("succeeded")] : [], net: back ? 0 : sum };
  return {
    order: { ...about, payment } as OrderView,
    statement,
    stock: [{ name: "Cups", quantity: 2, before, after: { ...before, ...after } }],
    timeline: end.timeline.map((name) => ({ name }) as TimelineEntry),
  };
}

const sold = { on_hand: 498, reserved: 9 };

test.each([
  ["happy", sold],
  ["declined", sold],
  ["expired", {}],
  ["oversold", {}],
  ["cancelled", {}],
  ["late", sold],
  ["refund", {}],
  ["killed", sold],
])("nothing is wrong with the end of %s", (name, after) => {
  expect(wrongs(facts(endOf(name), after), endOf(name))).toEqual([]);
});

test("whatever is wrong is said in a sentence of its own", () => {
  const twice = facts({ ...endOf("happy"), status: "shipped", charges: ["succeeded", "succeeded"], timeline: [] });

  expect(wrongs(twice, { ...endOf("happy"), timeline: ["ship"] })).toEqual([
    "The status of the order should be delivered, but is shipped.",
    "What came of the provider's charges should be succeeded, but is succeeded, succeeded.",
    "What the provider charged should be 43.45 EUR, but is 86.90 EUR.",
    "What the provider kept should be 43.45 EUR, but is 86.90 EUR.",
    'The stock of "Cups" should be 498 on hand, 3 held, 9 reserved, but is 500 on hand, 3 held, 7 reserved.',
    'The timeline should tell of "ship", but does not.',
  ]);
});
