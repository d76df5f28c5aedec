import { expect, test } from "vitest";
import { perOrder, perSecond, riseBetween } from "./counts.js";

const at = (seconds: number, counts: Record<string, number>) => ({ atMs: seconds * 1000, counts });

test("an order costs what came to a count, without what an idle system adds to it in the same time", () => {
  const idle = riseBetween(at(10, { commits: 100, jobs: 7 }), at(20, { commits: 120, jobs: 7 }));
  const busy = riseBetween(at(20, { commits: 120, jobs: 7 }), at(50, { commits: 1180, jobs: 37, calls: 20 }));

  expect(perSecond(idle)).toEqual({ commits: 2, jobs: 0 });
  expect(perOrder(idle, busy, 10)).toEqual({ commits: 100, jobs: 3, calls: 2 });
});

test("a count that fell, or is gone, tells nothing", () => {
  expect(() => riseBetween(at(0, { commits: 5 }), at(1, { commits: 4 }))).toThrow('"commits" fell');
  expect(() => riseBetween(at(0, { commits: 5 }), at(1, {}))).toThrow('"commits" fell');
});
