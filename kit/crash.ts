import { existsSync, unlinkSync } from "node:fs";
import { join } from "node:path";

let folder: string | undefined;

/** Tests arm a crash point by a file of its name in this folder; without a folder every point is inert. */
export function armCrashPoints(from: string | undefined): void {
  folder = from;
}

/** A named place where a process may die. Armed, it dies here once, as by kill -9. */
export function crashPoint(name: string): void {
  if (!folder) return;
  const armed = join(folder, name);
  if (!existsSync(armed)) return;
  unlinkSync(armed);
  process.kill(process.pid, "SIGKILL");
}
