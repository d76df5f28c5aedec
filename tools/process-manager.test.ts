import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { childrenOf, identityOf, isAlive } from "./identity.js";
import { endOrphans, supervisorOf } from "./pids.js";
import { type ProcessManager, processManager } from "./process-manager.js";

let dir: string;
let kept: ProcessManager;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "processes-"));
  kept = processManager(dir);
});

afterEach(async () => {
  await kept.close(true);
  rmSync(dir, { recursive: true });
});

const spec = (name: string, script: string, rank = 1) => {
  return { name, command: process.execPath, args: ["-e", script], cwd: "/", env: {}, rank };
};
const forever = "setInterval(() => {}, 1000)";
const of = (name: string) => kept.list().find((process) => process.name === name)!;

test("starts again what was killed", async () => {
  kept.start(spec("app", forever));
  const first = of("app").pid;

  kept.kill("app");

  await vi.waitFor(() => expect(of("app")).toMatchObject({ state: "running", restarts: 1 }));
  expect(of("app").pid).not.toBe(first);
});

test("leaves stopped what was stopped until it is started again", async () => {
  kept.start(spec("app", forever));

  await kept.stop("app");
  expect(of("app")).toMatchObject({ state: "stopped", pid: undefined, restarts: 0 });
  kept.again("app");

  expect(of("app")).toMatchObject({ state: "running", pid: expect.any(Number) });
});

test("names what keeps dying, with its last words", async () => {
  kept.start(spec("app", "console.log('no database'); process.exit(1)"));

  await vi.waitFor(() => expect(kept.failing(3)).toBe("app"), 5_000);
  expect(kept.lastLines("app", 1)).toBe("no database");
});

test("what was killed often but lives since is well", async () => {
  kept.start(spec("app", forever));
  for (const deaths of [1, 2]) {
    kept.kill("app");
    await vi.waitFor(() => expect(of("app")).toMatchObject({ state: "running", restarts: deaths }));
  }
  expect(kept.failing(2)).toBe("app");

  const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now() + 11_000);
  expect(kept.failing(2)).toBeUndefined();
  clock.mockRestore();
});

test("stops higher ranks first, and paused ones too", async () => {
  const log = join(dir, "order.txt");
  const noting = (name: string) =>
    `process.on("SIGTERM", () => { require("fs").appendFileSync("${log}", "${name} "); process.exit() }); ${forever}; console.log("up")`;
  kept.start(spec("database", noting("database"), 0));
  kept.start(spec("app", noting("app"), 4));
  await vi.waitFor(() => expect([kept.lastLines("app"), kept.lastLines("database")]).toEqual(["up", "up"]), 5_000);
  kept.pause("app");

  await kept.close();

  expect(readFileSync(log, "utf8")).toBe("app database ");
});

test("what a paused process has started stands still with it, and goes on with it or when it is killed", async () => {
  const log = join(dir, "beats.txt");
  const beat = `setInterval(() => require("fs").appendFileSync(process.argv[1], "."), 10)`;
  const parent = `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(beat)}, "${log}"]); ${forever}`;
  const beats = () => (existsSync(log) ? readFileSync(log).length : 0);
  const goesOn = () => {
    const so_far = beats();
    return vi.waitFor(() => expect(beats()).toBeGreaterThan(so_far), 5_000);
  };
  const standsStill = async () => {
    const so_far = beats();
    await new Promise((resume) => setTimeout(resume, 200));
    expect(beats()).toBe(so_far);
  };
  kept.start(spec("app", parent));
  await goesOn();

  kept.pause("app");
  await standsStill();
  kept.resume("app");
  await goesOn();

  kept.pause("app");
  await standsStill();
  const [orphan] = childrenOf(of("app").pid!);
  kept.kill("app");
  await goesOn();
  process.kill(orphan!, "SIGKILL");
});

test("ends what a killed supervisor left behind, and nothing else", async () => {
  kept.start(spec("orphan", forever));
  kept.start(spec("bystander", forever));
  const pids = JSON.parse(readFileSync(join(dir, "pids.json"), "utf8"));
  const [orphan, bystander] = [of("orphan").pid!, of("bystander").pid!].map((pid) => identityOf(pid)!);
  pids.children[1].born = "another time";
  await kept.stop("bystander").then(() => kept.again("bystander"));
  const living = identityOf(of("bystander").pid!)!;
  writeFileSync(join(dir, "pids.json"), JSON.stringify(pids));

  expect(await endOrphans(dir)).toBe(1);

  expect([orphan!, bystander!, living].map(isAlive)).toEqual([false, false, true]);
});

test("knows who keeps the instance now", async () => {
  expect(supervisorOf(dir)?.pid).toBe(process.pid);

  await kept.close();

  expect(supervisorOf(dir)).toBeUndefined();
});
