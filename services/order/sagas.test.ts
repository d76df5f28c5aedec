import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Turn } from "../../kit/history.js";
import { replay } from "../../kit/replay.js";
import { sagaName } from "./saga.js";
import { sagas } from "./sagas.js";

const folder = join(import.meta.dirname, "histories");
const files = readdirSync(folder);
const read = (file: string) => JSON.parse(readFileSync(join(folder, file), "utf8")) as Turn[];

test.each(files)("an order under way like %s goes on: the saga does what it did", async (file) => {
  const history = read(file);
  expect(await replay(sagas, history)).toEqual(history.map(({ did }) => did));
});

test("all that a saga does is among them", () => {
  const all = files.flatMap(read);
  const kinds = all.flatMap(({ heard, did }) => [...heard, ...did].flatMap((one) => Object.keys(one)));
  expect([...new Set(kinds)]).toEqual(
    expect.arrayContaining(["started", "event", "fired", "completed", "failed", "timer", "activity", "ended"]),
  );
  expect(all.flatMap(({ heard }) => heard.flatMap((one) => ("started" in one ? one.started : [])))).toContain(sagaName);
});

test("they tell nothing of anybody", () => {
  const told = files.flatMap(read).flatMap(({ heard, did }) => [...heard, ...did].map((one) => JSON.stringify(one)));
  const known = /^[\w:,{}[\]" .-]*$/;
  const ids = new Set(told.join("").match(/[0-9a-f]{8}-[0-9a-f-]{27}/g));
  expect(told.filter((one) => !known.test(one))).toEqual([]);
  expect([...ids]).toEqual(["00000000-0000-4000-8000-000000000001"]);
});
