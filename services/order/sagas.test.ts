import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Turn } from "../../kit/history.js";
import { replay } from "../../kit/replay.js";
import { type SagaInput, sagaName } from "./saga.js";
import { sagas } from "./sagas.js";

const folder = join(import.meta.dirname, "histories");
const files = readdirSync(folder);
const read = (file: string) => JSON.parse(readFileSync(join(folder, file), "utf8")) as Turn[];

const startsOf = (history: Turn[]) =>
  history.flatMap(({ heard }) => heard.flatMap((one) => ("started" in one ? one : [])));

test.each(files)("an order under way like %s goes on: the saga does what it did", async (file) => {
  const history = read(file);
  expect(await replay(sagas, history)).toEqual(history.map(({ did }) => did));
});

test("all that a saga does is among those of the present version", () => {
  const all = files.map(read).filter((history) => startsOf(history).some(({ started }) => started === sagaName));
  const kinds = all.flat().flatMap(({ heard, did }) => [...heard, ...did].flatMap((one) => Object.keys(one)));
  expect([...new Set(kinds)]).toEqual(
    expect.arrayContaining(["started", "event", "fired", "completed", "failed", "timer", "activity", "ended"]),
  );
  const known = all.flatMap(startsOf).map(({ input }) => (input as SagaInput).known?.phase);
  expect(known).toEqual(expect.arrayContaining(["paying", "delivering"]));
});

test("they tell nothing of anybody", () => {
  const told = files.flatMap(read).flatMap(({ heard, did }) => [...heard, ...did].map((one) => JSON.stringify(one)));
  const known = /^[\w:,{}[\]" .-]*$/;
  const ids = new Set(told.join("").match(/[0-9a-f]{8}-[0-9a-f-]{27}/g));
  expect(told.filter((one) => !known.test(one))).toEqual([]);
  expect([...ids]).toEqual(["00000000-0000-4000-8000-000000000001"]);
});
