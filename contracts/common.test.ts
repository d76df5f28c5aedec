import { expect, test } from "vitest";
import { PageQuery } from "./common.js";

test("a limit is a whole number from 1 to 100, written as one, and 20 where none is asked for", () => {
  const taken = [undefined, "1", "100", 7].map((limit) => PageQuery.parse({ limit }).limit);
  expect(taken).toEqual([20, 1, 100, 7]);
  for (const limit of ["", " ", "0", "101", "0x10", "1e1", "2.0", "-1", "abc", ["1", "2"]])
    expect([limit, PageQuery.safeParse({ limit }).success]).toEqual([limit, false]);
});
