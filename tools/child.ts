import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, writeFileSync } from "node:fs";
import type { Process } from "../contracts/console.js";
import { identityOf, withChildren } from "./identity.js";
import { rotate } from "./logs.js";
import type { Recorded } from "./pids.js";
import { Refusal } from "./say.js";

/** What to keep alive. Higher ranks stop first: they stand on the lower ones. */
export type Spec = {
  name: string;
  command: string;
  args: string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  rank: number;
  uid?: number;
  gid?: number;
  stopSignal?: "SIGTERM" | "SIGINT";
  graceMs?: number;
  before?: () => void;
};
type State = Process["state"];

const shortestBackoffMs = 100;
const longestBackoffMs = 5_000;
const settledMs = 10_000;

export type Child = ReturnType<typeof child>;

/** One process: when it dies without being asked to, it is started again, sooner the longer it had lived. */
export function child(spec: Spec, log: string, changed: () => void) {
  const { name, stopSignal = "SIGTERM", graceMs = 10_000 } = spec;
  let state: State = "stopped";
  let running: ChildProcess | undefined;
  let bornAt = 0;
  let restarts = 0;
  let deaths = 0;
  let backoffMs = 0;
  let timer: NodeJS.Timeout | undefined;
  let closing = false;

  function launch(): void {
    if (closing || running) return;
    clearTimeout(timer);
    spec.before?.();
    const output = openSync(log, "a");
    const { command, args, cwd, env, uid, gid } = spec;
    // Its own process group: Ctrl-C in the terminal reaches the supervisor only, which then stops things in order.
    const born = spawn(command, args, { cwd, env, uid, gid, detached: true, stdio: ["ignore", output, output] });
    closeSync(output);
    bornAt = Date.now();
    const ended = () => died(born);
    born.once("exit", ended);
    born.once("error", (error) => {
      writeFileSync(log, `${error.message}\n`, { flag: "a" });
      ended();
    });
    running = born;
    state = "running";
    changed();
  }

  const settled = () => Date.now() - bornAt > settledMs;

  function died(born: ChildProcess): void {
    if (running !== born) return;
    running = undefined;
    changed();
    if (closing || state === "stopped") {
      state = "stopped";
      return;
    }
    if (settled()) backoffMs = deaths = 0;
    deaths += 1;
    restarts += 1;
    state = "restarting";
    backoffMs = Math.min(longestBackoffMs, Math.max(shortestBackoffMs, backoffMs * 2));
    timer = setTimeout(launch, backoffMs);
  }

  function signal(name: NodeJS.Signals, then: State = state): void {
    if (!running) throw new Refusal(`"${spec.name}" is not running just now (${state}).`);
    const { pid } = running;
    const send = () => void running?.kill(name);
    if (pid !== undefined) withChildren(pid, name === "SIGSTOP" ? name : "SIGCONT", send);
    state = then;
  }

  rotate(log);
  return {
    spec,
    launch,
    signal,
    async halt(force = false): Promise<void> {
      const wasPaused = state === "paused";
      state = "stopped";
      clearTimeout(timer);
      const halted = running;
      if (halted?.pid === undefined) return;
      const gone = new Promise<void>((done) => halted.once("exit", () => done()));
      withChildren(halted.pid, "SIGCONT", () => halted.kill(force ? "SIGKILL" : stopSignal));
      if (wasPaused) halted.kill("SIGCONT");
      const grace = setTimeout(() => halted.kill("SIGKILL"), graceMs);
      await gone;
      clearTimeout(grace);
    },
    /** From now on a death is the end; a signal may hurry it. */
    letGo(name?: NodeJS.Signals): void {
      closing = true;
      if (name) running?.kill(name);
    },
    /** How often it died lately; one that has lived for a while since is well. */
    deaths: () => (running && settled() ? 0 : deaths),
    seen: (): Process => ({
      name,
      state,
      pid: running?.pid,
      restarts,
      since: bornAt ? new Date(bornAt).toISOString() : "",
    }),
    recorded(): Recorded[] {
      const identity = running?.pid === undefined ? undefined : identityOf(running.pid);
      return identity ? [{ name, ...identity, rank: spec.rank, stopSignal }] : [];
    },
  };
}
