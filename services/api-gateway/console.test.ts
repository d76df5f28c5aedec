import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { app } from "../../kit/http.js";
import { logger } from "../../kit/log.js";
import { consolePages } from "./console.js";
import { shield } from "./guard.js";
import { proof } from "./proof.js";

const info = { trace_url: null, demo: false, proof: false };

/** A gateway that has a build of these files, and nothing else. */
async function gatewayWith(
  files: Record<string, string>,
): Promise<(path: string, init?: RequestInit) => Promise<Response>> {
  const folder = mkdtempSync(join(tmpdir(), "orders-console-"));
  mkdirSync(join(folder, "assets"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const { koa, router } = app(logger("api-gateway", "silent"), async () => true);
  shield(koa, []);
  consolePages(router, async () => undefined, info, folder);
  const nobody = async () => ({ sub: crypto.randomUUID(), roles: ["admin" as const], country: null });
  proof(router, { authenticate: nobody, socket: undefined, provider: undefined });
  koa.use(router.routes()).use(router.allowedMethods());
  const server = koa.listen(0);
  onTestFinished(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  const { port } = server.address() as { port: number };
  return (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init);
}

const built = {
  "index.html": "<p>page",
  "assets/index-1a2b.js": "1",
  "assets/index-3c4d.css": "a{}",
  "assets/x.svg": "<svg/>",
};

test("the page is asked for each time, its files never again, and nothing may come from elsewhere", async () => {
  const ask = await gatewayWith(built);
  const page = await ask("/");
  expect([page.status, page.headers.get("cache-control"), await page.text()]).toEqual([200, "no-cache", "<p>page"]);
  const policy = page.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe|https:|data:|\*/);
  for (const [name, type] of [
    ["index-1a2b.js", "text/javascript; charset=utf-8"],
    ["index-3c4d.css", "text/css; charset=utf-8"],
    ["x.svg", "image/svg+xml"],
  ]) {
    const { status, headers } = await ask(`/assets/${name}`);
    expect([status, headers.get("content-type")]).toEqual([200, type]);
    expect(headers.get("cache-control")).toMatch(/immutable/);
  }
  expect((await ask("/", { method: "HEAD" })).status).toBe(200);
  expect(await (await ask("/console.json")).json()).toEqual(info);
});

test.each(["/assets/none.js", "/assets/..%2findex.html", "/index.html", "/web/index.html"])(
  "%s is not there",
  async (path) => {
    const answer = await (await gatewayWith(built))(path);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([404, "application/problem+json"]);
  },
);

test("without a build there are no pages, and all else is as it is", async () => {
  const ask = await gatewayWith({});
  expect((await ask("/")).status).toBe(404);
  expect((await ask("/console.json")).status).toBe(200);
});

test.each([
  ["GET", "/proof/processes"],
  ["POST", "/proof/processes/payment/kill"],
  ["GET", `/proof/ledger/${crypto.randomUUID()}`],
])("without a supervisor's socket there is no %s %s, not even for an admin", async (method, path) => {
  const answer = await (await gatewayWith(built))(path, { method });
  expect([answer.status, await answer.json()]).toEqual([
    404,
    expect.objectContaining({ detail: `there is no ${path}` }),
  ]);
});
