import { expect, test } from "vitest";
import { type Series, verdictOf } from "./verdict.js";

const levels = (unit: Series["unit"], of: (n: number) => number, more: Partial<Series> = {}) =>
  verdictOf({ name: "x", unit, values: Array.from({ length: 30 }, (_, n) => of(n)), ...more }).levels;

test("what stays, falls, or comes to rest levels off", () => {
  expect(levels("MB", () => 500)).toBe(true);
  expect(levels("rows", (n) => 10_000 - n)).toBe(true);
  expect(levels("rows", (n) => Math.min(n * 1_000, 10_000))).toBe(true);
});

test("what goes on growing does not, also as a saw", () => {
  expect(levels("rows", (n) => n * 1_000)).toBe(false);
  expect(levels("MB", (n) => 100 + n * 3)).toBe(false);
  expect(levels("MB", (n) => 100 + n * 3 + (n % 5) * 10, { saw: true })).toBe(false);
  expect(levels("files", (n) => n * 5)).toBe(false);
});

test("noise is no growth, a saw is looked at by its peaks, and what stays below its bound may grow", () => {
  expect(levels("MB", (n) => 100 + (n % 4) * 10)).toBe(true);
  expect(levels("rows", (n) => n * 20)).toBe(true);
  const teeth = (n: number) => (n < 20 ? (n % 10) * 200 : (n % 10) * 200 + (n % 10 > 4 ? 0 : 800));
  expect(levels("rows", teeth)).toBe(false);
  expect(levels("rows", teeth, { saw: true })).toBe(true);
  expect(levels("MB", (n) => n * 10, { bound: 300 })).toBe(true);
  expect(levels("MB", (n) => n * 10, { bound: 200 })).toBe(false);
});
