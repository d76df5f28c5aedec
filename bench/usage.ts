import { readdirSync, readFileSync } from "node:fs";

/** A clock tick: there are 100 a second on every Linux that Node runs on. */
const ticksMs = 10;
const idle = 3;
const iowait = 4;

/** What the trees below the named processes have used so far; a child that ended counts at the parent that reaped it. */
export function cpuOf(roots: Record<string, number>): Record<string, number> {
  const childrenOf = familyTree();
  const total = (pid: number) => treeOf(pid, childrenOf).reduce((sum, member) => sum + cpuTicks(member), 0);
  return Object.fromEntries(Object.entries(roots).map(([name, pid]) => [name, total(pid) * ticksMs]));
}

/** The memory of each of the trees in MB; of shared pages each has its share. */
export function memoryOf(roots: Record<string, number>): Record<string, number> {
  const childrenOf = familyTree();
  const total = (pid: number) => treeOf(pid, childrenOf).reduce((sum, member) => sum + pssKb(member), 0);
  return Object.fromEntries(Object.entries(roots).map(([name, pid]) => [name, total(pid) / 1024]));
}

/** How many files and connections each of the trees has open. */
export function filesOf(roots: Record<string, number>): Record<string, number> {
  const childrenOf = familyTree();
  const total = (pid: number) => treeOf(pid, childrenOf).reduce((sum, member) => sum + filesIn(member), 0);
  return Object.fromEntries(Object.entries(roots).map(([name, pid]) => [name, total(pid)]));
}

/** The share of all cores that is busy between two readings. */
export function busyShare(before: number[], after: number[]): number {
  const passed = after.reduce((sum, ticks, n) => sum + ticks - before[n]!, 0);
  return busyMs(before, after) / ticksMs / Math.max(1, passed);
}

/** CPU time that anybody used between two readings; waiting for the disk is none. */
export function busyMs(before: number[], after: number[]): number {
  return after.reduce((sum, ticks, n) => (n === idle || n === iowait ? sum : sum + ticks - before[n]!), 0) * ticksMs;
}

/** user, nice, system, idle, iowait, irq, softirq, steal: guests are counted in user already. */
export function machineTicks(): number[] {
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n");
  return line.trim().split(/\s+/).slice(1, 9).map(Number);
}

function familyTree(): Map<number, number[]> {
  const childrenOf = new Map<number, number[]>();
  for (const pid of readdirSync("/proc").map(Number).filter(Number.isInteger)) {
    const parent = Number(statOf(pid)[1]);
    if (parent) childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), pid]);
  }
  return childrenOf;
}

function treeOf(pid: number, childrenOf: Map<number, number[]>): number[] {
  return [pid, ...(childrenOf.get(pid) ?? []).flatMap((child) => treeOf(child, childrenOf))];
}

function cpuTicks(pid: number): number {
  const [utime, stime, cutime, cstime] = statOf(pid).slice(11, 15).map(Number);
  return (utime ?? 0) + (stime ?? 0) + (cutime ?? 0) + (cstime ?? 0);
}

/** The fields of /proc/<pid>/stat after the name, which may hold spaces itself; none when the process is gone. */
function statOf(pid: number): string[] {
  const text = read(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function pssKb(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
}

function filesIn(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
