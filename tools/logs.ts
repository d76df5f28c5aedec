import { existsSync, readFileSync, renameSync, statSync } from "node:fs";

const limit = 20 * 1024 * 1024;

/** Keeps one older log when this one has grown too long. */
export function rotate(log: string): void {
  if (existsSync(log) && statSync(log).size > limit) renameSync(log, `${log}.1`);
}

export function tail(log: string, count: number): string {
  if (!existsSync(log)) return "";
  return readFileSync(log, "utf8").trimEnd().split("\n").slice(-count).join("\n");
}
