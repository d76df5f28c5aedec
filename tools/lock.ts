import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Identity, identityOf, isAlive } from "./identity.js";
import { pause, type Say, ticking } from "./say.js";

/**
 * Runs the work while no other process does, in a folder of its own beside the lock. What it made is moved to the place
 * it names in one step, so nothing half done is ever found there.
 */
export async function oneAtATime(
  lock: string,
  what: string,
  say: Say,
  work: (into: string) => Promise<string | undefined>,
): Promise<void> {
  await taken(lock, what, say);
  const into = `${lock}.${process.pid}`;
  const clean = () => {
    rmSync(into, { recursive: true, force: true });
    rmSync(lock, { force: true });
  };
  process.once("exit", clean);
  try {
    forgetHalfDone(lock);
    mkdirSync(into);
    const to = await work(into);
    if (to) {
      rmSync(to, { recursive: true, force: true });
      renameSync(into, to);
    }
  } finally {
    process.off("exit", clean);
    clean();
  }
}

async function taken(lock: string, what: string, say: Say): Promise<void> {
  const tick = ticking(say, () => `another process is fetching ${what}, waiting for it`);
  try {
    while (!take(lock)) await pause(500);
  } finally {
    tick();
  }
}

function take(lock: string): boolean {
  try {
    writeFileSync(lock, JSON.stringify(identityOf(process.pid)), { flag: "wx" });
    return true;
  } catch {
    if (!ownerLives(lock)) rmSync(lock, { force: true });
    return false;
  }
}

function ownerLives(lock: string): boolean {
  try {
    return isAlive(JSON.parse(readFileSync(lock, "utf8")) as Identity);
  } catch {
    return false;
  }
}

function forgetHalfDone(lock: string): void {
  const left = readdirSync(dirname(lock)).filter((name) => name.startsWith(`${basename(lock)}.`));
  for (const name of left) rmSync(join(dirname(lock), name), { recursive: true, force: true });
}
