import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { identityOf, isAlive, signal } from "./identity.js";

test("knows a living process and tells when it is gone", async () => {
  const child = spawn("sleep", ["60"]);
  const identity = identityOf(child.pid!)!;
  expect(isAlive(identity)).toBe(true);

  signal(identity, "SIGKILL");
  await once(child, "exit");

  expect(isAlive(identity)).toBe(false);
});

test("never signals another process that has the same number", async () => {
  const child = spawn("sleep", ["60"]);
  const mistaken = { pid: child.pid!, born: "another time" };

  expect(signal(mistaken, "SIGKILL")).toBe(false);
  expect(isAlive(identityOf(child.pid!)!)).toBe(true);
  child.kill("SIGKILL");
});

test("has no identity for a number nobody has", () => {
  expect(identityOf(2 ** 22 + 7)).toBeUndefined();
});
