import { expect, test } from "vitest";
import { checked, listOf } from "./config.js";

test.each([
  ["payment_window_seconds", "60"],
  ["tax_rates", '{"EUR":{"DE":1900,"*":0}}'],
])("%s = %s is taken", (key, text) => expect(checked(key, text)).toBe(text));

test.each([
  ["payment_window", "60", "There is no setting payment_window: there are payment_window_seconds, "],
  ["payment_window_seconds", "0", 'payment_window_seconds is "0" (Too small'],
  ["payment_window_seconds", "soon", "expected a whole number from 1 to 31536000."],
])("%s = %s is refused with what is expected", (key, text, sentence) =>
  expect(() => checked(key, text)).toThrow(sentence),
);

test("the list says what counts and where it comes from", () => {
  const list = listOf({ payment_window_seconds: "60", currencies: "EUR,ABC" });
  expect(list).toContain("payment_window_seconds = 60   (set)\n");
  expect(list).toContain("repeat_interval_seconds = 15   (default)\n");
  expect(list).toMatch(/currencies = EUR,ABC {3}\(set\)\n.+\n {2}WRONG: currencies is "EUR,ABC" \(1: no currency/);
});
