import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import type Koa from "koa";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { tokenAudience, tokenIssuer } from "../contracts/user.js";
import { authenticator } from "./auth.js";

/** Stands for the sidecar with the user service behind it. */
let published: JWK[] = [];
let asked = 0;
const server = createServer((req, res) => {
  asked++;
  const opened = req.headers["dapr-api-token"] === "open";
  res.writeHead(opened ? 200 : 401, { "content-type": "application/json" }).end(JSON.stringify({ keys: published }));
});
await new Promise<void>((resume) => server.listen(0, "127.0.0.1", resume));
const { port } = server.address() as AddressInfo;
afterAll(() => server.close());
afterEach(() => vi.useRealTimers());

const id = "00000000-0000-4000-8000-000000000001";
async function key(kid: string) {
  const { publicKey, privateKey } = await generateKeyPair("Ed25519");
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: "EdDSA", use: "sig" };
  const token = () =>
    new SignJWT({ roles: ["customer"] })
      .setProtectedHeader({ alg: "EdDSA", kid })
      .setSubject(id)
      .setIssuer(tokenIssuer)
      .setAudience(tokenAudience)
      .setExpirationTime("1h")
      .sign(privateKey);
  return { jwk, token };
}
const bearing = (token: string) => ({ get: () => `Bearer ${token}` }) as unknown as Koa.Context;
const minutes = (n: number) => vi.setSystemTime(Date.now() + n * 60_000);

test("a new key's tokens hold at once beside the old key's; a retired key's end within eleven minutes", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const authenticate = authenticator({ DAPR_HTTP_PORT: port, DAPR_API_TOKEN: "open" });
  const [first, second] = [await key("first"), await key("second")];
  published = [first.jwk];
  const old = await first.token();
  expect(await authenticate(bearing(old))).toMatchObject({ sub: id });

  minutes(1);
  published = [second.jwk, first.jwk];
  expect(await authenticate(bearing(await second.token()))).toMatchObject({ sub: id });
  expect(await authenticate(bearing(old))).toMatchObject({ sub: id });

  published = [second.jwk];
  for (let n = 0; n < 9; n++) {
    minutes(1);
    expect(await authenticate(bearing(old))).toMatchObject({ sub: id });
  }
  minutes(2);
  await expect(authenticate(bearing(old))).rejects.toMatchObject({ status: 401 });
  expect(await authenticate(bearing(await second.token()))).toMatchObject({ sub: id });
});

test("while the keys cannot be had nobody is told that a token is wrong, and nobody asks for each request", async () => {
  const authenticate = authenticator({ DAPR_HTTP_PORT: port, DAPR_API_TOKEN: "shut" });
  const token = await (await key("first")).token();
  await expect(authenticate(bearing(token))).rejects.toThrow("the user service is away");

  const open = authenticator({ DAPR_HTTP_PORT: port, DAPR_API_TOKEN: "open" });
  const known = await key("known");
  published = [known.jwk];
  const good = await known.token();
  asked = 0;
  for (let n = 0; n < 20; n++) await open(bearing(good));
  expect(asked).toBe(1);
});
