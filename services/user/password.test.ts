import { scryptSync } from "node:crypto";
import { expect, test, vi } from "vitest";
import { Unavailable } from "../../kit/problem.js";
import { hashPassword, isOutdated, isPassword } from "./password.js";

// A busy machine takes a second for each.
vi.setConfig({ testTimeout: 30_000 });

test("a hash carries its parameters, OWASP's or stronger, and knows its password only", async () => {
  const hash = await hashPassword("planted");
  const [, N, r, p] = hash.split("$").map(Number) as [number, number, number, number];
  expect(128 * N * r * p).toBeGreaterThanOrEqual(96 * 2 ** 20);
  expect(isOutdated(hash)).toBe(false);
  expect([await isPassword("planted", hash), await isPassword("Planted", hash)]).toEqual([true, false]);
  expect(await hashPassword("planted")).not.toBe(hash);
});

test("hashes of other parameters still hold, and count as outdated", async () => {
  for (const [N, p] of [
    [2 ** 14, 1],
    [2 ** 17, 1],
  ] as const) {
    const hash = scryptSync("planted", "salt", 32, { N, r: 8, p, maxmem: 2 ** 28 }).toString("base64url");
    const old = ["scrypt", N, 8, p, Buffer.from("salt").toString("base64url"), hash].join("$");
    expect(isOutdated(old)).toBe(true);
    expect([await isPassword("planted", old), await isPassword("other", old)]).toEqual([true, false]);
  }
});

test("a flood is refused instead of kept waiting, and what waited is answered", async () => {
  const cheap = ["scrypt", 2 ** 4, 8, 1, "c2FsdA", "AAAA"].join("$");
  const answers = await Promise.allSettled(Array.from({ length: 300 }, () => isPassword("x", cheap)));
  const refused = answers.filter((answer) => answer.status === "rejected");
  expect(refused.every(({ reason }) => reason instanceof Unavailable)).toBe(true);
  expect(refused).toHaveLength(300 - 52);
  expect(await isPassword("x", cheap)).toBe(false);
});
