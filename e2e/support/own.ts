import { spawn } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Identity, isAlive, signal } from "../../tools/identity.js";
import { stopInstance } from "../../tools/stop.js";
import type { LaunchOptions } from "../../tools/supervisor.js";
import { eventually } from "./system.js";

// A system that the test itself starts, stops and crashes: in a process of its own, as `npm start` does.

export const dir = process.env.E2E_DIR as string;
const portBase = Number(process.env.PORT_BASE ?? 18080);
const program = `const { launch } = await import("./dist/tools/supervisor.js");
await launch(JSON.parse(process.env.LAUNCH));
console.log("READY");`;

const log = join(tmpdir(), `orders-own-${portBase}.log`);

/** Starts the system on whatever data is there; ready when it returns. */
export async function start(options: LaunchOptions): Promise<void> {
  const env = { ...process.env, LAUNCH: JSON.stringify({ ...options, portBase }) };
  const output = openSync(log, "w");
  const stdio: ["ignore", number, number] = ["ignore", output, output];
  const born = spawn(process.execPath, ["--input-type=module", "-e", program], { env, detached: true, stdio });
  const said = () => readFileSync(log, "utf8");
  const ready = await eventually(
    async () => (born.exitCode === null ? said() : "ended"),
    (text) => text === "ended" || text.includes("READY"),
    150,
  );
  if (!ready.includes("READY")) throw new Error(`the system did not start:\n${said()}`);
  born.unref();
}

/** As `npm stop` does. */
export const stop = () => stopInstance(dir);

/** Every process of it at once, as when the machine loses power; gives how many that were. */
export async function crash(): Promise<number> {
  const { supervisor, children } = JSON.parse(readFileSync(join(dir, "pids.json"), "utf8"));
  const all: Identity[] = [supervisor, ...children];
  for (const one of all) signal(one, "SIGKILL");
  while (all.some(isAlive)) await sleep(20);
  return all.length;
}
