import fc from "fast-check";
import { expect, test } from "vitest";
import { minorDigits, toDecimal, toMinor } from "./money.js";

test("decimals follow the currency", () => {
  expect(["EUR", "JPY", "KWD"].map(minorDigits)).toEqual([2, 0, 3]);
  expect([toDecimal(2500, "EUR"), toDecimal(5, "EUR"), toDecimal(5, "JPY"), toDecimal(-1234, "KWD")]).toEqual([
    "25.00",
    "0.05",
    "5",
    "-1.234",
  ]);
});

test.each(["25.001", "1e3", "", ".5", "1.", "0x10", "1 000", "NaN", "9999999999999999"])(
  "%j is no amount of EUR",
  (text) => {
    expect(toMinor(text, "EUR")).toBeUndefined();
  },
);

test("there and back again is the same amount, exactly", () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e11, max: 1e11 }), fc.constantFrom("EUR", "JPY", "KWD"), (minor, currency) => {
      expect(toMinor(toDecimal(minor, currency), currency)).toBe(minor);
    }),
  );
});
