import type { Control } from "../tools/control.js";
import { pause, type Say } from "../tools/say.js";
import { type Fault, scaled, told } from "./plan.js";

/** A fault as it came: when it began and when its cause was gone, in ms since the epoch. */
export type Inflicted = { fault: Fault; began: number; healed: number; failed?: string };

const patienceMs = 60_000;

/** Does what the plan says, each fault at its time whether or not others are still there; returns when all is healed. */
export async function inflict(plan: Fault[], control: Control, began: number, say: Say): Promise<Inflicted[]> {
  const inflicted = plan.map(async (fault): Promise<Inflicted> => {
    await pause(began + fault.at * 1000 - Date.now());
    say(told(fault));
    const since = Date.now();
    try {
      await doIt(fault, control);
      return { fault, began: since, healed: Date.now() };
    } catch (error) {
      const failed = (error as Error).message.split("\n")[0]!;
      say(`      ${fault.kind} ${fault.target} was not possible: ${failed}`);
      return { fault, began: since, healed: Date.now(), failed };
    }
  });
  const all = await Promise.all(inflicted);
  await healed(control);
  return all;
}

async function doIt(fault: Fault, control: Control): Promise<void> {
  const { kind, target } = fault;
  switch (kind) {
    case "kill": {
      const before = await running(control, target);
      await control.kill(target);
      return until(async () => {
        const { pid, state } = await seen(control, target);
        return state === "running" && pid !== before;
      }, `${target} did not come back`);
    }
    case "pause":
      await running(control, target);
      await control.pause(target);
      await pause(fault.seconds * 1000);
      // Where something else has killed it meanwhile there is nothing to resume.
      return control.resume(target).catch(() => undefined);
    case "restart":
      return control.restart(target);
    case "join":
      return control.scale(target, 2);
    case "leave":
      return control.scale(target, 1);
    default:
      return kind satisfies never;
  }
}

async function seen(control: Control, target: string) {
  const found = (await control.processes()).find(({ name }) => name === target);
  if (!found) throw new Error(`there is no process ${target}`);
  return found;
}

/** Its process id, as soon as it has one: it may be coming back from another fault, or a replica be joining yet. */
async function running(control: Control, target: string): Promise<number | undefined> {
  const pid = async () => (await control.processes()).find(({ name }) => name === target)?.pid;
  await until(async () => (await pid()) !== undefined, `${target} does not run`);
  return pid();
}

async function until(right: () => Promise<boolean>, otherwise: string): Promise<void> {
  for (const end = Date.now() + patienceMs; !(await right()); await pause(100))
    if (Date.now() > end) throw new Error(otherwise);
}

/** Nothing paused, no replica left, everything started again. */
async function healed(control: Control): Promise<void> {
  for (const app of scaled) await control.scale(app, 1);
  for (const { name, state } of await control.processes()) if (state === "paused") await control.resume(name);
  await until(
    async () => (await control.processes()).every(({ state }) => state === "running"),
    "not everything came back",
  );
}
