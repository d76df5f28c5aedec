import { rm } from "node:fs/promises";
import type { BrokerName } from "../tools/broker.js";
import { instanceOf } from "../tools/instance.js";
import { endOrphans, supervisorOf } from "../tools/pids.js";
import { outsideOf } from "../tools/postgres.js";
import { pause, Refusal } from "../tools/say.js";
import { type LaunchOptions, launch, type System } from "../tools/supervisor.js";
import { busyShare, machineTicks } from "./usage.js";

/** `quiet`: figures are JSON, and nothing else is said on stdout. */
export type Options = { quick: boolean; quiet: boolean; observe: boolean; broker: BrokerName; portBase: number };
/** What a suite runs on. */
export type Ground = Pick<System, "urls" | "roots" | "apps" | "dir"> & Pick<Options, "quick" | "portBase">;

/** One client stands for all customers, so no limit may stop it. */
export const settings = { requests_per_minute: "1000000" };

const quietShare = 0.15;
const quietWindowMs = 3_000;
const quietPatienceMs = 120_000;
const quickPatienceMs = 5_000;

/** Fresh data: what an interrupted run left is ended, never what somebody runs there. */
export async function wipe(dir: string) {
  if (supervisorOf(dir)) throw new Refusal(`A benchmark is already running in ${dir}: wait for it, or stop it.`);
  await endOrphans(dir);
  for (const data of [dir, outsideOf(dir)]) await rm(data, { recursive: true, force: true });
}

export const dirOf = (portBase: number) => instanceOf({ portBase, dir: `.run-bench-${portBase}` }).dir;

/** Work on a system of its own with fresh data; it is stopped after it, and after a failure its logs are kept. */
export async function onSystem<T>(
  { portBase, quick, quiet, observe, broker }: Options,
  how: LaunchOptions,
  work: (ground: Ground) => Promise<T>,
): Promise<T> {
  const dir = dirOf(portBase);
  await wipe(dir);
  const given = { portBase, dir, quiet, observe, broker };
  const system = await launch({ ...given, ...how, settings: { ...settings, ...how.settings } });
  for (const name of ["postgres", broker])
    if (!(name in system.roots())) say(`${name} was started by somebody else: it is in no figure.`);
  let result: T;
  try {
    result = await work({ ...system, portBase, quick });
  } finally {
    await system.stop();
  }
  await wipe(dir);
  return result;
}

/** Returns when the machine has nothing else to do, or says that it has; a quick look does not wait long for that. */
export async function untilQuiet({ quick }: Pick<Options, "quick"> = { quick: false }) {
  for (const deadline = Date.now() + (quick ? quickPatienceMs : quietPatienceMs); ; ) {
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

/** One measurement, for programs. */
export function tell({ quiet }: Options, measurement: object) {
  if (quiet) console.log(JSON.stringify(measurement));
}

/** All of a suite, for people. */
export function show({ quiet }: Options, text: string) {
  if (!quiet) console.log(`\n${text}`);
}
