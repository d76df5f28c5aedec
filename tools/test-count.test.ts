import { expect, test } from "vitest";
import { countOf } from "./test-count.js";

const passing = { status: "passed", assertionResults: [{ status: "passed" }] };

test("counts what passed and failed", () => {
  const failing = { status: "failed", assertionResults: [{ status: "failed" }] };

  expect(countOf({ numPassedTests: 3, numFailedTests: 1, testResults: [passing, failing] }, 1)).toEqual({
    passed: 3,
    failed: 1,
  });
});

test("counts a file that does not load as one failure", () => {
  const broken = { status: "failed", assertionResults: [] };

  expect(countOf({ numPassedTests: 1, numFailedTests: 0, testResults: [passing, broken] }, 1)).toEqual({
    passed: 1,
    failed: 1,
  });
});

test("never calls a broken run a success", () => {
  expect(countOf(undefined, 0)).toEqual({ passed: 0, failed: 1 });
  expect(countOf({ numPassedTests: 1, numFailedTests: 0, testResults: [passing] }, 1)).toEqual({
    passed: 1,
    failed: 1,
  });
});
