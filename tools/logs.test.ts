import { appendFileSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { empty } from "./logs.js";

test("a log that is still written to is cut when it is too long, and the last part of it is kept", () => {
  const folder = mkdtempSync(join(tmpdir(), "orders-logs-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const log = join(folder, "a.log");
  const writer = openSync(log, "a");
  writeSync(writer, "first\n");
  empty(log);
  expect([statSync(log).size, existsSync(`${log}.1`)]).toEqual([6, false]);

  appendFileSync(log, Buffer.alloc(20 * 1024 * 1024, "x"));
  empty(log);
  expect(readFileSync(`${log}.1`, "utf8").slice(0, 6)).toBe("first\n");
  writeSync(writer, "next\n");
  expect(readFileSync(log, "utf8")).toBe("next\n");
});
