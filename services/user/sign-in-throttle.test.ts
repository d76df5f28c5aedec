import { expect, test, vi } from "vitest";
import { guesses } from "./sign-in-throttle.js";

const right = async () => true;
const wrong = async () => false;
const limits = { most: 3, seconds: 60 };
const tooMany = expect.objectContaining({ status: 429, retryAfter: expect.any(Number) });

test("after too many wrong passwords even the right one is refused, until the time is over", async () => {
  vi.useFakeTimers();
  const { guess } = guesses(limits);
  for (let n = 0; n < 3; n++) expect(await guess("eve@example.com", wrong)).toBe(false);
  await expect(guess("eve@example.com", right)).rejects.toEqual(tooMany);
  await expect(guess(" EVE@example.com", right)).rejects.toEqual(tooMany);
  expect(await guess("bob@example.com", right)).toBe(true);
  await vi.advanceTimersByTimeAsync(61_000);
  expect(await guess("eve@example.com", right)).toBe(true);
  vi.useRealTimers();
});

test("a right password begins the count anew", async () => {
  const { guess } = guesses(limits);
  for (let n = 0; n < 10; n++) expect(await guess("eve@example.com", n % 3 === 2 ? right : wrong)).toBe(n % 3 === 2);
});

test("many at once are no more than many in a row", async () => {
  const { guess } = guesses(limits);
  const answers = await Promise.allSettled(Array.from({ length: 10 }, () => guess("eve@example.com", wrong)));
  expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
});

test("a check that could not be made does not count", async () => {
  const { guess } = guesses(limits);
  const away = () => Promise.reject(new Error("away"));
  for (let n = 0; n < 10; n++) await expect(guess("eve@example.com", away)).rejects.toThrow("away");
  expect(await guess("eve@example.com", right)).toBe(true);
});
