import { copyFileSync, existsSync, readFileSync, renameSync, statSync, truncateSync } from "node:fs";

const limit = 20 * 1024 * 1024;

/** Keeps one older log when this one has grown too long, for a process that has not opened it yet. */
export function rotate(log: string): void {
  if (tooLong(log)) renameSync(log, `${log}.1`);
}

/**
 * The same for a process that writes to it: it has the file open to append, so the file is copied and emptied. What it
 * writes between the two is lost.
 */
export function empty(log: string): void {
  if (!tooLong(log)) return;
  copyFileSync(log, `${log}.1`);
  truncateSync(log);
}

const tooLong = (log: string) => existsSync(log) && statSync(log).size > limit;

export function tail(log: string, count: number): string {
  if (!existsSync(log)) return "";
  return readFileSync(log, "utf8").trimEnd().split("\n").slice(-count).join("\n");
}
