import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Identity, isAlive, signal, withChildren } from "./identity.js";
import { pause } from "./say.js";

/** What is written down of a running process, so that it can be ended should its supervisor be killed. */
export type Recorded = Identity & { name: string; rank: number; stopSignal: NodeJS.Signals };
type PidsFile = { supervisor: Identity; children: Recorded[] };

const pidsPath = (dir: string) => join(dir, "pids.json");

export function writePids(dir: string, content: PidsFile | undefined): void {
  const path = pidsPath(dir);
  if (!existsSync(dir)) return;
  writeFileSync(`${path}.new`, JSON.stringify(content ?? {}, null, 1));
  renameSync(`${path}.new`, path);
}

function readPids(dir: string): Partial<PidsFile> {
  try {
    return JSON.parse(readFileSync(pidsPath(dir), "utf8"));
  } catch {
    return {};
  }
}

/** The process that keeps this instance now, if one lives. */
export function supervisorOf(dir: string): Identity | undefined {
  const { supervisor } = readPids(dir);
  return supervisor && isAlive(supervisor) ? supervisor : undefined;
}

/** Ends what a killed supervisor left behind, by verified identity; says how many. */
export async function endOrphans(dir: string): Promise<number> {
  const orphans = (readPids(dir).children ?? []).filter(isAlive);
  for (const rank of ranks(orphans)) {
    await Promise.all(orphans.filter((orphan) => orphan.rank === rank).map(end));
  }
  return orphans.length;
}

async function end(orphan: Recorded): Promise<void> {
  withChildren(orphan.pid, "SIGCONT", () => signal(orphan, orphan.stopSignal));
  signal(orphan, "SIGCONT");
  for (const deadline = Date.now() + 10_000; Date.now() < deadline && isAlive(orphan); ) await pause(50);
  signal(orphan, "SIGKILL");
  while (isAlive(orphan)) await pause(20);
}

/** The ranks in the order in which they stop. */
export function ranks(ranked: { rank: number }[]): number[] {
  return [...new Set(ranked.map(({ rank }) => rank))].sort((a, b) => b - a);
}
