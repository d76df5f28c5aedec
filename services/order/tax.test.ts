import fc from "fast-check";
import { expect, test } from "vitest";
import type { TaxRates } from "../../contracts/settings.js";
import { taxOf } from "./tax.js";

const rates: TaxRates = { EUR: { DE: 1900, AT: 2000, "*": 0 }, JPY: { "*": 1000 }, KWD: { DE: 750 } };

test.each([
  ["EUR", "DE", 1900],
  ["EUR", "AT", 2000],
  ["EUR", "FR", 0],
  ["EUR", null, 0],
  ["JPY", "DE", 1000],
  ["JPY", null, 1000],
  ["KWD", "DE", 750],
  ["KWD", "FR", 0],
  ["USD", "DE", 0],
])("%s for a customer of %s: %i of 10000", (currency, country, rate) => {
  expect(taxOf(10_000, currency, country, rates)).toBe(rate);
});

test.each([
  [1, 5_000, 1],
  [1, 4_999, 0],
  [50, 1_900, 10],
  [18, 1_900, 3],
  [29, 1_900, 6],
  [5_550, 1_900, 1_055],
])("%i at %i hundredths of a percent is %i: half goes up", (subtotal, rate, tax) => {
  expect(taxOf(subtotal, "EUR", null, { EUR: { "*": rate } })).toBe(tax);
});

test("it is the whole number that is nearest to the exact tax, and the upper one of two: for every amount there is", () => {
  const amounts = fc.oneof(fc.maxSafeNat(), fc.integer({ min: 0, max: 100_000 }));
  fc.assert(
    fc.property(amounts, fc.integer({ min: 0, max: 10_000 }), (subtotal, rate) => {
      const tax = taxOf(subtotal, "EUR", "DE", { EUR: { DE: rate } });
      expect(Number.isSafeInteger(tax)).toBe(true);
      // Twice the distance from the exact tax, in ten-thousandths: from half below (inside) to half above (outside).
      const distance = 2n * (BigInt(tax) * 10_000n - BigInt(subtotal) * BigInt(rate));
      expect(distance > -10_000n && distance <= 10_000n).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});
