import { execFile } from "node:child_process";
import { readlinkSync } from "node:fs";
import { basename } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { processes } from "./support/system.js";

// That the suite before has really met the other implementation, and what that says of itself.

test("the notification service is the one in Go", async () => {
  const { pid } = (await processes.processes()).find(({ name }) => name === "notification") ?? {};
  expect(basename(readlinkSync(`/proc/${pid}/exe`))).toBe("notification-go");
});

test("its own tests", async () => {
  const { stdout } = await promisify(execFile)("go", ["test", "."], { cwd: "examples/notification-go" });
  expect(stdout).toMatch(/^ok/);
});
