import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { portsOf } from "./app-processes.js";
import { control, serveControl } from "./control.js";
import { type App, readApps } from "./dapr-file.js";
import { appEnv } from "./dapr-flags.js";
import { infraPorts, root } from "./instance.js";
import { type ProcessManager, processManager } from "./process-manager.js";
import { replicas, replicasOf } from "./replicas.js";
import { silent } from "./say.js";

let dir: string;
let kept: ProcessManager;
let server: Server | undefined;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "replicas-"));
  kept = processManager(dir);
});

afterEach(async () => {
  await kept.close(true);
  server?.close();
  rmSync(dir, { recursive: true });
});

test("no replica wants a port that something else wants, here or 20000 ports further", () => {
  for (const portBase of [8080, 28080]) {
    const instance = { portBase, offset: portBase - 8080, dir };
    const observed = readApps(join(root, "dapr.yaml"), instance).map((app) => ({ ...app, observed: true }));
    const apps = observed.flatMap((app) => replicasOf(app, 5));
    const ports = [...Object.values(portsOf(apps)), ...Object.values(infraPorts(instance))];

    expect(ports).toHaveLength(7 * 5 * 6 + Object.keys(infraPorts(instance)).length);
    expect(new Set(ports).size).toBe(ports.length);
    expect(Math.max(...ports)).toBeLessThan(portBase === 8080 ? 32768 : 65536);
  }
});

/** One app, `stock`, made of web servers that take 200 ms to be ready. */
async function running() {
  // Below the ports that the system hands out to anyone.
  const [appPort, daprHTTPPort, daprGRPCPort, daprInternalGRPCPort, metricsPort] = [0, 1, 2, 3, 4].map(
    (n) => 31_000 + (process.pid % 100) * 10 + n,
  ) as [number, number, number, number, number];
  const ports = { appPort, daprHTTPPort, daprGRPCPort, daprInternalGRPCPort, metricsPort };
  const app: App = { appID: "stock", name: "stock", dir, command: ["node"], ...ports };
  const script =
    "let ready = false; setTimeout(() => { ready = true }, 200);" +
    'require("http").createServer((_, answer) => answer.writeHead(ready ? 200 : 503).end()).listen(process.argv[1], "127.0.0.1")';
  const web = (name: string, port: number) => {
    return { name, command: process.execPath, args: ["-e", script, String(port)], cwd: "/", env: {}, rank: 4 };
  };
  const copies = replicas(kept, 8080, silent);
  server = await serveControl(dir, kept, copies);
  await copies.start([app], (one) => ({
    app: web(one.name, one.appPort),
    sidecar: web(`${one.name}-daprd`, one.daprHTTPPort),
  }));
  const answers = async (port: number) => (await fetch(`http://127.0.0.1:${port}`).catch(() => undefined))?.status;
  const names = () => kept.list().map(({ name }) => name);
  return { app, names, answers, ...control(dir) };
}

test("a second replica is ready when scale returns, is one of the processes, and leaves again", async () => {
  const { app, names, answers, scale, kill } = await running();

  await scale("stock", 2);
  expect(names()).toEqual(["stock", "stock-daprd", "stock-2", "stock-2-daprd"]);
  expect([await answers(app.appPort + 20), await answers(app.daprHTTPPort + 20)]).toEqual([200, 200]);
  expect(readFileSync(join(dir, "pids.json"), "utf8")).toContain('"stock-2-daprd"');
  await kill("stock-2");

  await scale("stock", 1);
  expect(names()).toEqual(["stock", "stock-daprd"]);
  expect([await answers(app.appPort), await answers(app.appPort + 20)]).toEqual([200, undefined]);
  expect(readFileSync(join(dir, "pids.json"), "utf8")).not.toContain("stock-2");
  expect(existsSync(join(dir, "logs", "stock-2.log"))).toBe(true);
});

test("changes asked for at once are made one after the other", async () => {
  const { names, scale } = await running();

  await Promise.all([scale("stock", 2), scale("stock", 3), scale("stock", 1), scale("stock", 2)]);

  expect(names()).toEqual(["stock", "stock-daprd", "stock-2", "stock-2-daprd"]);
});

test("refuses an app that is not there, a number that is none, and a taken port", async () => {
  const { app, names, scale } = await running();
  await expect(scale("stok", 2)).rejects.toThrow('There is no app "stok"; there are stock.');
  for (const count of [0, 1.5, 6]) await expect(scale("stock", count)).rejects.toThrow("from 1 to 5 can run");
  const taken = createServer().listen(app.appPort + 20, "127.0.0.1");
  await once(taken, "listening");

  await expect(scale("stock", 2)).rejects.toThrow(`Port ${app.appPort + 20}, wanted for stock-2, is taken`);

  taken.close();
  expect(names()).toEqual(["stock", "stock-daprd"]);
});

test("every replica of an observed app serves its metrics on a port of its own, and no other app serves any", () => {
  const [app] = readApps(join(root, "dapr.yaml"), { portBase: 8080, offset: 0, dir }) as [App];
  const ports = replicasOf({ ...app, observed: true }, 2).map((one) => appEnv(one).METRICS_PORT);
  expect(ports).toEqual(["3901", "3921"]);
  expect(appEnv(app).METRICS_PORT).toBeUndefined();
});
