import { rm } from "node:fs/promises";
import { endOrphans, supervisorOf } from "../tools/pids.js";
import { pause, Refusal } from "../tools/say.js";
import { busyShare, machineTicks } from "./usage.js";

/** One client stands for all customers, so no limit may stop it. */
export const settings = { requests_per_minute: "1000000" };

const quietShare = 0.15;
const quietWindowMs = 3_000;
const quietPatienceMs = 120_000;

/** Fresh data: what an interrupted run left is ended, never what somebody runs there. */
export async function wipe(dir: string) {
  if (supervisorOf(dir)) throw new Refusal(`A benchmark is already running in ${dir}: wait for it, or stop it.`);
  await endOrphans(dir);
  await rm(dir, { recursive: true, force: true });
}

/** Returns when the machine has nothing else to do, or says that it has. */
export async function untilQuiet() {
  for (const deadline = Date.now() + quietPatienceMs; ; ) {
    const before = machineTicks();
    await pause(quietWindowMs);
    const share = busyShare(before, machineTicks());
    if (share < quietShare) return;
    if (Date.now() > deadline)
      return say(`The machine is ${Math.round(share * 100)} % busy with other things: expect worse figures.`);
  }
}

// Progress goes to stderr: stdout is for the figures.
export function say(line: string) {
  console.error(line);
}
