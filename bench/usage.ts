import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks per second: 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** What the trees below the named processes have used so far; a child that ended counts at the parent that reaped it. */
export function cpuOf(roots: Record<string, number>): Record<string, number> {
  const childrenOf = familyTree();
  const total = (pid: number) => treeOf(pid, childrenOf).reduce((sum, member) => sum + cpuTicks(member), 0);
  return Object.fromEntries(Object.entries(roots).map(([name, pid]) => [name, (total(pid) * 1000) / ticksPerSecond]));
}

/** The memory of all of them in MB; pages they share are counted once. */
export function pssOf(roots: Record<string, number>): number {
  const childrenOf = familyTree();
  const members = new Set(Object.values(roots).flatMap((pid) => treeOf(pid, childrenOf)));
  return [...members].reduce((sum, pid) => sum + pssKb(pid), 0) / 1024;
}

/** The share of all cores that is busy between two readings. */
export function busyShare(before: number[], after: number[]): number {
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = after.map(
    (ticks, n) => ticks - before[n]!,
  );
  const busy = user + nice + system + irq + softirq + steal;
  return busy / Math.max(1, busy + idle + iowait);
}

export function machineTicks(): number[] {
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n");
  return line.trim().split(/\s+/).slice(1).map(Number);
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

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
