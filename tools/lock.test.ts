import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { oneAtATime } from "./lock.js";
import { pause, silent } from "./say.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "lock-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const make = (into: string) => writeFileSync(join(into, "program"), "");

test("moves what was made to its place in one step and leaves nothing else", async () => {
  await oneAtATime(join(dir, "x.lock"), "x", silent, async (into) => {
    make(into);
    return join(dir, "x");
  });

  expect(readdirSync(dir)).toEqual(["x"]);
  expect(existsSync(join(dir, "x", "program"))).toBe(true);
});

test("leaves nothing of work that failed", async () => {
  const work = oneAtATime(join(dir, "x.lock"), "x", silent, async (into) => {
    make(into);
    throw new Error("no network");
  });

  await expect(work).rejects.toThrow("no network");
  expect(readdirSync(dir)).toEqual([]);
});

test("lets one work at a time", async () => {
  let working = 0;
  const most: number[] = [];
  const work = async () => {
    most.push(++working);
    await pause(20);
    working -= 1;
    return undefined;
  };

  await Promise.all([1, 2].map(() => oneAtATime(join(dir, "x.lock"), "x", silent, work)));

  expect(most).toEqual([1, 1]);
});

test("takes over from an owner that is gone", async () => {
  writeFileSync(join(dir, "x.lock"), JSON.stringify({ pid: 1, born: "another time" }));

  await oneAtATime(join(dir, "x.lock"), "x", silent, async () => undefined);

  expect(readdirSync(dir)).toEqual([]);
});
