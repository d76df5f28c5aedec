import { once } from "node:events";
import type { AddressInfo } from "node:net";
import Koa from "koa";
import { expect, test } from "vitest";
import { behindProxy } from "./guard.js";

test.each([
  ["behind a proxy", behindProxy, "10.1.1.1"],
  ["without one", () => undefined, "127.0.0.1"],
])("%s nobody chooses the address that requests are counted by", async (_, prepare, address) => {
  const koa = new Koa().use((ctx) => {
    ctx.body = ctx.ip;
  });
  prepare(koa);
  const server = koa.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const answer = await fetch(`http://127.0.0.1:${port}`, { headers: { "x-forwarded-for": "6.6.6.6, 10.1.1.1" } });
  expect(await answer.text()).toBe(address);
  server.close();
});
