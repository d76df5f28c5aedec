import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** A process that cannot be mistaken for a later one with the same number. */
export type Identity = { pid: number; born: string };

/** When the process was born, or undefined when there is none (a zombie is none). */
function bornOf(pid: number): string | undefined {
  return process.platform === "linux" ? bornOnLinux(pid) : bornByPs(pid);
}

function bornOnLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in brackets may hold spaces and brackets itself: count fields from its end.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    return `${bootId()}-${fields[19]}`;
  } catch {
    return undefined;
  }
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim().slice(0, 8);
}

function bornByPs(pid: number): string | undefined {
  const ps = spawnSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8", env: { LC_ALL: "C" } });
  const line = ps.stdout?.trim() ?? "";
  return line === "" || line.startsWith("Z") ? undefined : line.replace(/^\S+\s+/, "");
}

export function identityOf(pid: number): Identity | undefined {
  const born = bornOf(pid);
  return born === undefined ? undefined : { pid, born };
}

export function isAlive({ pid, born }: Identity): boolean {
  return bornOf(pid) === born;
}

/** Signals this very process, and no other that got its number since. */
export function signal(identity: Identity, name: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    return process.kill(identity.pid, name);
  } catch {
    return false;
  }
}

/** The processes that this one has started and that live. */
export function childrenOf(pid: number): number[] {
  const pids = process.platform === "linux" ? childrenOnLinux(pid) : childrenByPs(pid);
  return pids.split(/\s+/).filter(Boolean).map(Number);
}

function childrenOnLinux(pid: number): string {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8")).join(" ");
  } catch {
    return "";
  }
}

const childrenByPs = (pid: number) => spawnSync("pgrep", ["-P", String(pid)], { encoding: "utf8" }).stdout ?? "";

/**
 * Does what stops, wakes or ends a process, and lets its children stand still with it or go on: PostgreSQL serves each
 * connection by a process in a group of its own.
 */
export function withChildren(pid: number, signal: "SIGSTOP" | "SIGCONT", act: () => void): void {
  // Asked before, because a killed process has no children any more, and after, because until it stops it may get more.
  const before = childrenOf(pid);
  act();
  for (const child of new Set([...before, ...childrenOf(pid)])) {
    try {
      process.kill(child, signal);
    } catch {
      // It has ended meanwhile.
    }
  }
}
