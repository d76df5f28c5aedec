import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Turn } from "../../kit/history.js";
import { lost } from "./repair.js";

const read = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, "histories", `v2-${name}.json`), "utf8")) as Turn[];
const after = (turn: Turn | undefined, seconds: number) => Date.parse(turn?.at ?? "") + seconds * 1000;

test.each(["straight", "silent-provider", "a-step-that-fails"])(
  "a saga like %s waits for nothing that was lost",
  (name) => {
    const turns = read(name);
    expect(lost(turns, after(turns.at(-1), 1000))).toBe(undefined);
  },
);

test("one whose step got no answer for a minute is stuck, before that it is not", () => {
  for (const name of ["silent-provider", "a-step-that-fails"]) {
    const turns = read(name);
    const cut = turns.slice(0, 1 + turns.findIndex(({ did }) => did.some((one) => "activity" in one)));
    expect([lost(cut, after(cut.at(-1), 59)), lost(cut, after(cut.at(-1), 61))]).toEqual([undefined, "stuck"]);
  }
});

test("one of a version that this build has not is unknown here; one that has done nothing yet is not lost", () => {
  const future: Turn[] = [
    { at: "2026-01-01T00:00:00.000Z", heard: [{ started: "order-saga-v99", input: {} }], did: [] },
  ];
  expect(lost(future, Date.now())).toBe("unknown here");
  expect(lost([], Date.now())).toBe(undefined);
});
