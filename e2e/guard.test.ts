import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { anyone, eventually, processes, url } from "./system.js";

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

test("a stopping gateway refuses with 503 and Retry-After before it is gone, and answers what it had begun", async () => {
  onTestFinished(async () => {
    await processes.start("api-gateway").catch(() => undefined);
    await eventually(
      () => anyone.products(),
      ({ ok }) => ok,
    );
  });
  const answers: { status: number; wait: string | null }[] = [];
  let asking = true;
  const lane = async () => {
    for (; asking; await sleep(20)) {
      const answer = await fetch(`${url}/products`).catch(() => undefined);
      if (answer) answers.push({ status: answer.status, wait: answer.headers.get("retry-after") });
    }
  };
  const lanes = Promise.all([lane(), lane(), lane()]);
  await sleep(300);
  await processes.stop("api-gateway");
  asking = false;
  await lanes;
  const refused = answers.filter(({ status }) => status !== 200);
  expect(refused.length).toBeGreaterThan(3);
  expect(refused.every(({ status, wait }) => status === 503 && wait !== null)).toBe(true);
});
