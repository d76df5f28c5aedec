import { type ChildProcess, execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterEach, expect, test } from "vitest";

// Every command of the README, as a reader would type it, on the default ports.

const sh = (command: string) =>
  promisify(execFile)("bash", ["-c", command], { timeout: 240_000, maxBuffer: 1 << 26 }).then(
    ({ stdout, stderr }) => ({ code: 0, text: stdout + stderr }),
    (error) => ({ code: error.code as number, text: error.stdout + error.stderr }),
  );
const readme = readFileSync("README.md", "utf8");
const blocks = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] as string);

const running: ChildProcess[] = [];
/** Starts a command that stays, and waits for a text of its output. */
async function stays(command: string, text: string): Promise<ChildProcess> {
  const child = spawn("bash", ["-c", command], { detached: true, stdio: ["ignore", "pipe", "pipe"] });
  running.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk) => {
      output += chunk;
    });
  for (const end = Date.now() + 240_000; !output.includes(text); await sleep(100))
    if (Date.now() > end || child.exitCode !== null) throw new Error(`${command} did not say "${text}":\n${output}`);
  return child;
}

/** Ctrl-C: the whole foreground group hears it, as in a terminal. */
async function ctrlC(child: ChildProcess): Promise<void> {
  process.kill(-(child.pid as number), "SIGINT");
  for (const end = Date.now() + 60_000; child.exitCode === null && child.signalCode === null; await sleep(100))
    if (Date.now() > end) throw new Error("Ctrl-C did not end it");
}

const listens = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = createConnection({ port, host: "127.0.0.1" });
    socket.once("connect", () => resolve(socket.destroy() === socket)).once("error", () => resolve(false));
  });

afterEach(async () => {
  for (const child of running.splice(0).reverse())
    if (child.exitCode === null) await ctrlC(child).catch(() => undefined);
});

test("npm start, the order by curl, npm run demo, Ctrl-C, npm start -- --observe, npm start -- --kafka, npm stop", async () => {
  expect(blocks[0]).toMatch(/^npm start .*\nnpm test /);
  const first = await stays("npm start", "Ctrl-C stops everything");
  const placed = await sh(blocks[1] as string);
  expect(placed.text).toContain('"status":"payment_required"');
  const id = /"id":"([0-9a-f-]{36})"/.exec(placed.text)?.[1] as string;
  const demo = await sh("npm run demo");
  expect([demo.code, demo.text]).toEqual([0, expect.stringContaining("8 of 8 stories ended as they must")]);
  const example = await sh("node dist/client/example.js");
  expect(readme).toContain(readFileSync("client/example.ts", "utf8"));
  expect(example.text).toMatch(/^place: .*\npayments.succeeded: .*\ninventory.reserved: the order is processing\n$/);
  for (const command of ["npm run config", "npm run config -- set payment_window_seconds 600"])
    expect(await sh(command)).toMatchObject({ code: 0, text: expect.stringContaining("payment_window_seconds") });
  await ctrlC(first);
  for (const port of [8080, 8082, 8090, 3500, 3502]) expect(await listens(port)).toBe(false);

  await stays("npm start -- --observe", "Ctrl-C stops everything");
  const again = await sh(
    (blocks[1] as string).replace("curl -s http://127.0.0.1:8080/orders", "curl -s -i http://127.0.0.1:8080/orders"),
  );
  expect(again.text).toContain(id);
  expect(again.text).toMatch(/HTTP\/1.1 200/);
  expect((await sh("curl -s http://127.0.0.1:3902/metrics")).text).toContain("http_server_request_duration_seconds");
  expect((await sh("curl -s http://127.0.0.1:8080/console.json")).text).toContain("http://127.0.0.1:3000/explore");
  expect((await sh("npm stop")).code).toBe(0);
  expect(await listens(8080)).toBe(false);

  await stays("npm start -- --kafka", "Ctrl-C stops everything");
  const onKafka = await sh("npm run demo");
  expect([onKafka.code, onKafka.text]).toEqual([0, expect.stringContaining("8 of 8 stories ended as they must")]);
  expect((await sh("npm stop")).code).toBe(0);
});

test("npm run infra and dapr run -f . with the real CLI, then npm run reset", async () => {
  await stays("npm run infra", "dapr run -f .");
  const cli = await stays(". .run/dapr.env && dapr run -f .", 'Started Dapr with app id "api-gateway"');
  for (const end = Date.now() + 90_000; ; await sleep(500)) {
    const ready = await sh("for p in 0 1 2 3 4 5 6; do curl -sf http://127.0.0.1:808$p/readyz || exit 1; done");
    if (ready.code === 0) break;
    if (Date.now() > end) throw new Error(`not ready: ${ready.text}`);
  }
  const demo = await sh("npm run demo");
  expect([demo.code, demo.text]).toEqual([0, expect.stringContaining("7 of 8 stories ended as they must, 1 skipped")]);
  await ctrlC(cli);
  expect((await sh("npm run reset")).code).toBe(0);
});
