import { expect, test } from "vitest";
import { cursorOf, pageOf, positionOf } from "./sql.js";

const cursor = cursorOf("orders", "2026-01-01", "order:a");

test("a page says where the next one begins, if there is one", () => {
  const rows = ["a", "b", "c"].map((name): [{ name: string }] => [{ name }]);
  const page = pageOf("names", rows, { limit: 2, cursors: "true" }, ({ name }) => [name]);
  expect(page.items).toEqual([{ name: "a" }, { name: "b" }]);
  expect(page.cursors).toEqual([cursorOf("names", "a"), page.next_cursor]);
  expect(positionOf("names", page.next_cursor as string, 1)).toEqual(["b"]);
  expect(pageOf("names", rows, { limit: 3 }, ({ name }) => [name]).next_cursor).toBeNull();
});

test.each([
  ["another list's", "products", cursor, 2],
  ["too short", "orders", cursorOf("orders", "2026-01-01"), 2],
  ["too long", "orders", cursorOf("orders", "2026-01-01", "order:a", "b"), 2],
  ["of a number", "orders", cursorOf("orders", 1, "order:a"), 2],
  ["of what no database stores", "orders", cursorOf("orders", "\u0000", "order:a"), 2],
  ["no JSON", "orders", "abc", 2],
  ["no list", "orders", Buffer.from("null").toString("base64url"), 2],
])("a cursor that is %s is none", (_, list, text, length) => {
  expect(positionOf("orders", cursor, 2)).toEqual(["2026-01-01", "order:a"]);
  expect(positionOf(list, text, length)).toBeUndefined();
});
