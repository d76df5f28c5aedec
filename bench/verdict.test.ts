import { expect, test } from "vitest";
import { verdictOf } from "./verdict.js";

const values = (of: (n: number) => number) => Array.from({ length: 30 }, (_, n) => of(n));
const levels = (unit: "MB" | "rows" | "files", of: (n: number) => number, bound?: number) =>
  verdictOf({ name: "x", unit, values: values(of), ...(bound !== undefined && { bound }) }).levels;

test("what stays, falls, or comes to rest levels off", () => {
  expect(levels("MB", () => 500)).toBe(true);
  expect(levels("rows", (n) => 10_000 - n)).toBe(true);
  expect(levels("rows", (n) => Math.min(n * 1_000, 10_000))).toBe(true);
});

test("what goes on growing does not, also as a saw", () => {
  expect(levels("rows", (n) => n * 1_000)).toBe(false);
  expect(levels("MB", (n) => 100 + n * 3)).toBe(false);
  expect(levels("MB", (n) => 100 + n * 3 + (n % 5) * 10)).toBe(false);
  expect(levels("files", (n) => n * 5)).toBe(false);
});

test("noise is no growth, and what stays below its bound may grow", () => {
  expect(levels("MB", (n) => 100 + (n % 4) * 20)).toBe(true);
  expect(levels("rows", (n) => n * 20)).toBe(true);
  expect(levels("MB", (n) => n * 10, 300)).toBe(true);
  expect(levels("MB", (n) => n * 10, 200)).toBe(false);
});
