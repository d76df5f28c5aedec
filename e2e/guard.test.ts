import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { settings } from "./support/settings.js";
import { anyone, config, eventually, everywhere, newCustomer, processes, url } from "./support/system.js";

/** Each replica of the gateway reads the settings, and counts, for itself. */
const all = (wanted: number) => (answers: { status: number }[]) => answers.every(({ status }) => status === wanted);
const statuses = (answers: { status: number }[]) => new Set(answers.map(({ status }) => status));

test("every answer carries the security headers", async () => {
  for (const path of ["/products", "/nowhere"]) {
    const { headers } = await fetch(url + path);
    expect(headers.get("content-security-policy")).toContain("script-src 'self'");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("strict-transport-security")).toContain("max-age=");
    expect(headers.get("x-powered-by")).toBeNull();
  }
});

test("browsers of allowed origins may ask and read, others may not", async () => {
  const preflight = (origin: string) =>
    fetch(`${url}/orders`, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,idempotency-key",
      },
    });
  const allowed = await preflight("https://shop.example");
  expect(allowed.headers.get("access-control-allow-origin")).toBe("https://shop.example");
  expect(allowed.headers.get("access-control-allow-headers")).toContain("idempotency-key");
  expect((await preflight("https://evil.example")).headers.get("access-control-allow-origin")).toBeNull();

  const refused = await fetch(`${url}/orders`, { headers: { origin: "https://shop.example" } });
  expect(refused.status).toBe(401);
  expect(refused.headers.get("access-control-allow-origin")).toBe("https://shop.example");
  expect(refused.headers.get("access-control-expose-headers")).toContain("etag");
});

test("who asks too often is told when to come again; the limits change while the system runs", async () => {
  const set = async (key: "requests_per_minute" | "sign_ins_per_minute", value: string) =>
    expect(await config("set", key, value)).toMatchObject({ code: 0 });
  onTestFinished(async () => {
    for (const key of ["requests_per_minute", "sign_ins_per_minute"] as const) await set(key, settings[key]);
    const signIn = () => anyone.signIn({ body: { email: "ada@orders.local", password: "wrong" } });
    await eventually(() => everywhere(signIn), all(401));
  });
  const ada = await newCustomer();
  await set("requests_per_minute", "5");
  const me = () => everywhere(() => ada.me());
  for (const refused of await eventually(me, all(429))) {
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(refused.headers.get("content-type")).toContain("application/problem+json");
  }
  await set("requests_per_minute", settings.requests_per_minute);
  expect(statuses(await eventually(me, all(200)))).toEqual(new Set([200]));

  await set("sign_ins_per_minute", "1");
  // Each time another address, or the account's own limit would answer.
  const guess = () => anyone.signIn({ body: { email: `${crypto.randomUUID()}@example.org`, password: "wrong" } });
  expect(statuses(await eventually(() => everywhere(guess), all(429)))).toEqual(new Set([429]));
  const signIn = () => anyone.signIn({ body: { email: ada.email, password: ada.password } });
  expect(statuses(await everywhere(signIn))).toEqual(new Set([429]));
  expect(statuses(await me())).toEqual(new Set([200]));
});

test("a stopping gateway says at /readyz that it goes, and meanwhile answers whoever comes, for the last time", async () => {
  onTestFinished(async () => {
    await processes.start("api-gateway").catch(() => undefined);
    await eventually(
      () => anyone.products(),
      ({ ok }) => ok,
    );
  });
  const seen: { ready: number; status: number; connection: string | null }[] = [];
  let asking = true;
  const lane = async () => {
    for (; asking; await sleep(20)) {
      const ask = (path: string) => fetch(url + path).catch(() => undefined);
      const ready = await ask("/readyz");
      const answer = await ask("/products");
      if (ready && answer)
        seen.push({ ready: ready.status, status: answer.status, connection: answer.headers.get("connection") });
    }
  };
  const lanes = Promise.all([lane(), lane(), lane()]);
  await sleep(300);
  await processes.stop("api-gateway");
  asking = false;
  await lanes;
  const told = seen.filter(({ ready }) => ready === 503);
  expect(told.filter(({ status }) => status === 200).length).toBeGreaterThan(3);
  expect(told.filter(({ connection }) => connection !== "close")).toEqual([]);
  expect(seen.filter(({ ready, status }) => ready === 200 && status !== 200)).toEqual([]);
});
