import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { identityOf } from "./identity.js";
import { type Recorded, ranks, writePids } from "./pids.js";
import { Refusal } from "./say.js";

export { endOrphans, supervisorOf } from "./pids.js";

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
export type State = "running" | "paused" | "restarting" | "stopped";
export type Process = { name: string; state: State; pid?: number; restarts: number; since: string };

type Child = Process & {
  spec: Spec;
  running?: ChildProcess;
  deaths: number;
  backoffMs: number;
  timer?: NodeJS.Timeout;
};

const logLimit = 20 * 1024 * 1024;
const shortestBackoffMs = 100;
const longestBackoffMs = 5_000;
const settledMs = 10_000;

export type Keeper = ReturnType<typeof keeper>;

/** Keeps processes alive: whatever dies without being asked to is started again, sooner the longer it had lived. */
export function keeper(dir: string) {
  const children = new Map<string, Child>();
  let closing = false;
  mkdirSync(join(dir, "logs"), { recursive: true });

  function start(spec: Spec): void {
    rotate(logOf(spec.name));
    const child: Child = { name: spec.name, spec, state: "stopped", restarts: 0, since: "", deaths: 0, backoffMs: 0 };
    children.set(spec.name, child);
    launch(child);
  }

  function launch(child: Child): void {
    if (closing) return;
    const { spec } = child;
    clearTimeout(child.timer);
    spec.before?.();
    const log = openSync(logOf(spec.name), "a");
    const { command, args, cwd, env, uid, gid } = spec;
    // Its own process group: Ctrl-C in the terminal reaches the supervisor only, which then stops things in order.
    const running = spawn(command, args, { cwd, env, uid, gid, detached: true, stdio: ["ignore", log, log] });
    closeSync(log);
    const bornAt = Date.now();
    let over = false;
    const ended = () => {
      if (over) return;
      over = true;
      died(child, running, Date.now() - bornAt);
    };
    running.once("exit", ended);
    running.once("error", (error) => {
      writeFileSync(logOf(spec.name), `${error.message}\n`, { flag: "a" });
      ended();
    });
    Object.assign(child, { running, pid: running.pid, state: "running", since: new Date(bornAt).toISOString() });
    record();
  }

  function died(child: Child, running: ChildProcess, livedMs: number): void {
    if (child.running !== running) return;
    child.running = undefined;
    child.pid = undefined;
    record();
    if (closing || child.state === "stopped") {
      child.state = "stopped";
      return;
    }
    if (livedMs > settledMs) Object.assign(child, { backoffMs: 0, deaths: 0 });
    child.deaths += 1;
    child.restarts += 1;
    child.state = "restarting";
    child.backoffMs = Math.min(longestBackoffMs, Math.max(shortestBackoffMs, child.backoffMs * 2));
    child.timer = setTimeout(() => launch(child), child.backoffMs);
  }

  async function halt(child: Child, force = false): Promise<void> {
    const wasPaused = child.state === "paused";
    child.state = "stopped";
    clearTimeout(child.timer);
    const { running, spec } = child;
    if (running?.pid === undefined) return;
    const gone = new Promise<void>((done) => running.once("exit", () => done()));
    running.kill(force ? "SIGKILL" : (spec.stopSignal ?? "SIGTERM"));
    if (wasPaused) running.kill("SIGCONT");
    const grace = setTimeout(() => running.kill("SIGKILL"), spec.graceMs ?? 10_000);
    await gone;
    clearTimeout(grace);
  }

  function named(name: string): Child {
    const child = children.get(name);
    if (child) return child;
    throw new Refusal(`There is no process "${name}"; there are ${[...children.keys()].join(", ")}.`);
  }

  function alive(name: string): Child & { running: ChildProcess } {
    const child = named(name);
    if (child.running) return child as Child & { running: ChildProcess };
    throw new Refusal(`"${name}" is not running just now (${child.state}).`);
  }

  function record(): void {
    const running = [...children.values()].filter((child) => child.pid !== undefined);
    const recorded = running.flatMap(({ name, pid, spec }): Recorded[] => {
      const identity = identityOf(pid!);
      return identity ? [{ name, ...identity, rank: spec.rank, stopSignal: spec.stopSignal ?? "SIGTERM" }] : [];
    });
    writePids(dir, { supervisor: identityOf(process.pid)!, children: recorded });
  }

  const logOf = (name: string) => join(dir, "logs", `${name}.log`);

  record();
  return {
    start,
    kill: (name: string) => void alive(name).running.kill("SIGKILL"),
    pause(name: string) {
      const child = alive(name);
      child.running.kill("SIGSTOP");
      child.state = "paused";
    },
    resume(name: string) {
      const child = alive(name);
      child.running.kill("SIGCONT");
      child.state = "running";
    },
    stop: (name: string) => halt(named(name)),
    again(name: string) {
      const child = named(name);
      if (!child.running) launch(child);
    },
    async restart(name: string) {
      await halt(named(name));
      launch(named(name));
    },
    list: (): Process[] =>
      [...children.values()].map(({ name, state, pid, restarts, since }) => ({ name, state, pid, restarts, since })),
    /** The first child that keeps dying, if any. */
    failing: (limit = 5) => [...children.values()].find((child) => child.deaths >= limit)?.name,
    lastLines: (name: string, count = 12) => tail(logOf(name), count),
    /** Stops everything, the highest rank first; `force` does not wait for anyone's manners. */
    async close(force = false) {
      closing = true;
      for (const rank of ranks([...children.values()].map((child) => child.spec))) {
        const same = [...children.values()].filter((child) => child.spec.rank === rank);
        await Promise.all(same.map((child) => halt(child, force)));
      }
      writePids(dir, undefined);
    },
    /** For the moment in which nothing can be awaited any more. */
    signalAll(name?: NodeJS.Signals) {
      closing = true;
      for (const { running, spec } of children.values()) running?.kill(name ?? spec.stopSignal ?? "SIGTERM");
    },
  };
}

function rotate(log: string): void {
  if (existsSync(log) && statSync(log).size > logLimit) renameSync(log, `${log}.1`);
}

function tail(log: string, count: number): string {
  if (!existsSync(log)) return "";
  return readFileSync(log, "utf8").trimEnd().split("\n").slice(-count).join("\n");
}
