import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

let app = "";
let folder: string | undefined;

/** Tests bring faults about by files in this folder; without a folder every point is inert. */
export function armFaults(name: string, from: string | undefined): void {
  app = name;
  folder = from;
}

/**
 * A place where things may go wrong. A file `<app>.<point>`, or `<app>.<point>.<order id>`, says what does, how often, and
 * which texts what passes must hold: "error 2 payments.refunded". The file goes when that has happened.
 * - crash: the process dies here, as by kill -9. An empty file does that once.
 * - error: it throws.
 * - hold: it waits here until somebody takes the file away.
 * - forget: true is returned, and what was to be done here counts as done.
 * - watch: nothing, but it is counted.
 */
export async function fault(point: string, ...passing: unknown[]): Promise<boolean> {
  if (!folder) return false;
  const name = `${app}.${point}`;
  const passes = partsOf(passing).map((part) => JSON.stringify(part));
  const files = readdirSync(folder).filter((file) => file === name || file.startsWith(`${name}.`));
  const hits = files.flatMap((file) => hitBy(join(folder as string, file), file.slice(name.length + 1), passes));
  const does = (what: string) => hits.some((hit) => hit.does === what);
  if (does("crash")) process.kill(process.pid, "SIGKILL");
  if (does("error")) throw new Error(`a fault at ${name}`);
  if (does("forget")) return true;
  while (hits.some((hit) => hit.does === "hold" && existsSync(hit.path))) await sleep(20);
  return false;
}

/** What is done for many at once is looked at one by one: the texts of a fault are about one of them. */
function partsOf(passing: unknown[]): unknown[] {
  const last = passing.at(-1);
  return Array.isArray(last) ? last.map((one) => [...passing.slice(0, -1), one]) : [passing];
}

/** Counts it when what passes is meant. */
function hitBy(path: string, about: string, passes: string[]): { path: string; does: string }[] {
  const [does = "crash", times = "1", ...texts] = wordsIn(path);
  const left = Number(times) - 1;
  const isMeant = (part: string) => [about, ...texts].every((text) => part.includes(text));
  if (left < 0 || !passes.some(isMeant)) return [];
  if (left > 0 || does === "hold") writeFileSync(path, [does, left, ...texts].join(" "));
  else rmSync(path);
  return [{ path, does }];
}

function wordsIn(path: string): string[] {
  const text = existsSync(path) ? readFileSync(path, "utf8") : "none 0";
  return text.split(" ").filter((word) => word !== "");
}
