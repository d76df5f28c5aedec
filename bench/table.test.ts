import { expect, test } from "vitest";
import { table } from "./table.js";

test("text stands on the left, figures on the right, under their titles", () => {
  const lines = [
    ["what", "", "levels off"],
    ["memory", "10.5", "yes"],
    ["files", "7", "NO"],
  ];

  expect(table(lines, [0, 2])).toBe(["what          levels off", "memory  10.5  yes", "files      7  NO"].join("\n"));
});
