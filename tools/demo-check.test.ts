import { expect, test } from "vitest";
import type { OrderView } from "../contracts/order.js";
import { type Facts, wrongs } from "./demo-check.js";
import { stories } from "./demo-stories.js";

const charge = { amount: 4345, currency: "EUR", status: "succeeded" };
const before = { on_hand: 500, held: 3, reserved: 7 };
const [happy, declined] = stories.map(({ end }) => end);

function facts(status: string, payment: string, after: object, charges = [charge]): Facts {
  const order = { status, total: "43.45", currency: "EUR", payment: { status: payment } } as OrderView;
  const net = charges.filter((made) => made.status === "succeeded").reduce((sum, { amount }) => sum + amount, 0);
  const stock = [{ name: "Cups", quantity: 2, before, after: { ...before, ...after } }];
  return { order, statement: { charges, refunds: [], net }, stock };
}

test("a delivered order keeps its money and has its stock sold", () => {
  expect(wrongs(facts("delivered", "succeeded", { on_hand: 498, reserved: 9 }), happy!)).toEqual([]);
});

test("a declined card moves no money and leaves the stock held", () => {
  const refusal = { ...charge, status: "declined" };

  expect(wrongs(facts("payment_failed", "failed", { held: 5 }, [refusal]), declined!)).toEqual([]);
});

test("whatever is wrong is said in a sentence of its own", () => {
  const twice = facts("shipped", "succeeded", {}, [charge, charge]);

  expect(wrongs(twice, happy!)).toEqual([
    "The status of the order should be delivered, but is shipped.",
    "What the provider charged should be 43.45 EUR, but is 86.90 EUR.",
    "What the provider kept should be 43.45 EUR, but is 86.90 EUR.",
    'The stock of "Cups" should be 498 on hand, 3 held, 9 reserved, but is 500 on hand, 3 held, 7 reserved.',
  ]);
});
