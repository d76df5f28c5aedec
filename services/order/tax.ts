import type { TaxRates } from "../../contracts/settings.js";

/**
 * The tax of an order, in minor units: the rate of its currency and the customer's country, or else of any country
 * ("*"), or else none; taken once, of the subtotal, and rounded half up. In whole numbers, so it is exact.
 */
export function taxOf(subtotal: number, currency: string, country: string | null, rates: TaxRates): number {
  const byCountry = rates[currency] ?? {};
  const rate = byCountry[country ?? "*"] ?? byCountry["*"] ?? 0;
  return Number((BigInt(subtotal) * BigInt(rate) + 5_000n) / 10_000n);
}
