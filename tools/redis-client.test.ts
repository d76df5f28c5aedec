import { expect, test } from "vitest";
import { encode, parse } from "./redis-client.js";

test("encodes a command by the bytes of its parts", () => {
  expect(encode(["PING"])).toBe("*1\r\n$4\r\nPING\r\n");
  expect(encode(["GET", "ü"])).toBe("*2\r\n$3\r\nGET\r\n$2\r\nü\r\n");
});

test.each([
  ["+PONG\r\n", "PONG"],
  [":7\r\n", 7],
  ["$-1\r\n", null],
  ["$5\r\nhello\r\n", "hello"],
  ["*2\r\n$1\r\na\r\n*1\r\n:3\r\n", ["a", [3]]],
  ["*0\r\n", []],
])("reads %j", (text, reply) => {
  expect(parse(text, 0)).toEqual({ reply, end: text.length });
});

test("waits for the rest of a reply", () => {
  for (const part of ["", "+PON", "$5\r\nhel", "*2\r\n$1\r\na\r\n", "$5\r\nhello\r"]) {
    expect(parse(part, 0)).toBeUndefined();
  }
});

test("gives an error as an error", () => {
  expect(parse("-NOAUTH no\r\n", 0)?.reply).toEqual(new Error("NOAUTH no"));
  expect(parse("HTTP/1.1 400\r\n", 0)?.reply).toEqual(new Error("this is not Redis"));
});
