import { expect, test } from "vitest";
import { parseVersion } from "./dapr.js";
import { isNewEnough } from "./go.js";

test.each([
  ["1.18.2\n", "1.18.2"],
  ["v1.18.2", "1.18.2"],
  ["CLI version: 1.16.5 \nRuntime version: n/a\n", "1.16.5"],
  ["1.19.0-rc.1", "1.19.0-rc.1"],
  ["edge", undefined],
])("reads the version out of %j", (output, version) => {
  expect(parseVersion(output)).toBe(version);
});

test.each([
  ["go1.26.0", true],
  ["go1.27rc1", true],
  ["go2.0.1", true],
  ["go1.25.9", false],
  ["go1.9", false],
  ["", false],
])("%s can build Dapr: %s", (version, enough) => {
  expect(isNewEnough(version)).toBe(enough);
});
