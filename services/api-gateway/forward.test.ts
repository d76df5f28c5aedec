import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { Unavailable } from "../../kit/problem.js";
import { asker } from "./forward.js";

/** A sidecar that answers so; how often it was asked. */
async function sidecar(status: number, type: string, answer: string) {
  let asked = 0;
  const server = createServer((_, response) => {
    asked++;
    response.writeHead(status, { "content-type": type }).end(answer);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => void server.close());
  const ask = asker({ DAPR_HTTP_PORT: (server.address() as AddressInfo).port });
  return {
    ask: (method: string) => ask("order", { method, path: "/orders", headers: {}, body: null }),
    asked: () => asked,
  };
}

const json = "application/json; charset=utf-8";

test.each([
  ["a sidecar's own 5xx", 500, "application/json", '{"errorCode":"ERR_DIRECT_INVOKE"}'],
  ["an answer that ends before it begins", 200, json, ""],
  ["half an answer", 201, json, '{"id":"1","items":[{'],
  ["half a refusal", 409, "application/problem+json", '{"type":"about:bl'],
])("%s means that the service is away; the sidecar has asked again already", async (_, status, type, answer) => {
  const { ask, asked } = await sidecar(status, type, answer);
  await expect(ask("GET")).rejects.toBeInstanceOf(Unavailable);
  expect(asked()).toBe(1);
});

test.each([
  ["GET", 200, json, '{"items":[]}'],
  ["GET", 503, "application/problem+json", '{"status":503}'],
  ["HEAD", 200, json, ""],
  ["DELETE", 204, "", ""],
  ["GET", 200, "text/html", "<"],
])("%s answered %i %s is passed on", async (method, status, type, answer) => {
  const { ask } = await sidecar(status, type, answer);
  expect(await ask(method)).toMatchObject({ statusCode: status, text: method === "HEAD" ? "" : answer });
});
