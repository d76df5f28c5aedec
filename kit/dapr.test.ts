import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { connect } from "./dapr.js";
import { Unavailable } from "./problem.js";

/** A sidecar that passes on what it has of a service's answer. */
async function sidecar(status: number, answer: string) {
  const server = createServer((_, response) => response.writeHead(status).end(answer));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => void server.close());
  return connect({ DAPR_HTTP_PORT: (server.address() as AddressInfo).port });
}

test.each([
  ["died before it spoke", 200, ""],
  ["died while it spoke", 200, '{"kind":"he'],
  ["is away", 500, '{"errorCode":"ERR_DIRECT_INVOKE"}'],
])("a service that %s is unavailable", async (_, status, answer) => {
  const dapr = await sidecar(status, answer);
  await expect(dapr.ask("inventory", "/rpc/hold", {})).rejects.toBeInstanceOf(Unavailable);
});

test("a question that another service does not understand is a fault of ours", async () => {
  const dapr = await sidecar(422, "{}");
  await expect(dapr.ask("inventory", "/rpc/hold", {})).rejects.not.toBeInstanceOf(Unavailable);
});
