import type { Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { app, body } from "./http.js";
import { listen } from "./listen.js";
import { logger } from "./log.js";

let server: Server;
const lines: unknown[] = [];
beforeAll(async () => {
  const log = logger("test", "silent");
  vi.spyOn(log, "info").mockImplementation((line) => void lines.push(line));
  const web = app(log, async () => true);
  web.router.post("/echo", async (ctx) => {
    ctx.body = await body(ctx, z.object({ a: z.string() }));
  });
  server = await listen(web, 0, "127.0.0.1", "public");
});
afterAll(() => void server.close());

/** What comes back for these bytes, until the server closes. */
function bytes(text: string): Promise<string> {
  return new Promise((done, failed) => {
    let answer = "";
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1", () => socket.write(text));
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.once("error", failed);
    socket.once("close", () => done(answer));
  });
}

const request = (line: string, ...headers: string[]) =>
  [`${line} HTTP/1.1`, "host: a", "connection: close", ...headers, "", ""].join("\r\n");
const long = `x: ${"x".repeat(9_000)}`;
const json = "content-type: application/json";

test.each([
  ["no HTTP", "EHLO\r\n\r\n", 400],
  ["no Host", "GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n", 400],
  ["large headers", request("GET /healthz", long, long), 431],
  ["a proxy's request", "CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n", 405],
  ["an unknown expectation", request("GET /healthz", "expect: miracles"), 417],
  ["length and chunks", request("POST /echo", json, "content-length: 5", "transfer-encoding: chunked"), 400],
  ["a bad chunk", `${request("POST /echo", json, "transfer-encoding: chunked")}zz\r\n`, 400],
  ["a compressed body", `${request("POST /echo", json, "content-encoding: gzip", "content-length: 1")}x`, 415],
])("%s is answered as a problem, and the connection ends", async (_, text, status) => {
  const [head = "", problem = ""] = (await bytes(text)).split("\r\n\r\n");
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} .+\r\n`));
  expect(head).toMatch(/^content-type: application\/problem\+json/im);
  expect(JSON.parse(problem)).toMatchObject({ status, detail: expect.any(String) });
  expect(lines.at(-1)).toMatchObject({ status });
});

test("what is right is answered, also by a client that asks whether to go on", async () => {
  const answer = await bytes(`${request("POST /echo", json, "expect: 100-continue", "content-length: 9")}{"a":"b"}`);
  expect(answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK\r\n/);
});
