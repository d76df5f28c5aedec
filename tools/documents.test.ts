import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { documents } from "./documents.js";

test.each(Object.entries(documents))("%s is as the contracts say: npm run docs writes it", (path, content) => {
  const present = readFileSync(path, "utf8");
  expect(content(present) === present).toBe(true);
});
