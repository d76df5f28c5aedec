import { fork } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type Figures, figuresOf, sumOf } from "./figures.js";
import { type Ground, say, untilQuiet } from "./ground.js";
import type { LoadRequest, LoadResult, ReadRequest, ReadResult, Target } from "./load.js";
import { busyMs, cpuOf, machineTicks, memoryOf } from "./usage.js";

const othersShare = 0.1;

export type Watched = Pick<Ground, "roots" | "quick">;

/** Orders put on a running system by a client of its own process, and what they cost. */
export async function loaded(shape: string, ground: Watched, request: LoadRequest): Promise<Figures> {
  const { result, cpuBefore, cpuAfter } = await watched(ground, () => client<LoadResult>(request));
  const { concurrency } = request;
  return figuresOf({ shape, concurrency, load: result, cpuBefore, cpuAfter, pssMb: memoryOf(ground.roots()) });
}

/** Node compiles what is hot only after a while: until then it compiles what it runs. */
export const warmedUp = async (target: Target, orders = 100) =>
  void (await (
    await client({ ...target, concurrency: 16, orders })
  )());

type Done = Pick<LoadResult, "seconds" | "cpuMs" | "errors">;

/** The CPU of all processes before and after what a waiting client does, and who else used the machine meanwhile. */
export async function watched<Result extends Done>(
  { roots, quick }: Watched,
  waiting: () => Promise<() => Promise<Result>>,
) {
  await untilQuiet({ quick });
  const start = await waiting();
  const present = roots();
  const machineBefore = machineTicks();
  const cpuBefore = cpuOf(present);
  const result = await start();
  const cpuAfter = cpuOf(present);
  const busy = busyMs(machineBefore, machineTicks());
  complain(result, present, roots());
  sayWhoElse(busy - result.cpuMs - sumOf(cpuAfter) + sumOf(cpuBefore), result.seconds);
  return { result, cpuBefore, cpuAfter };
}

/** A process of its own that waits for the returned function to be called. */
export async function client<Result extends LoadResult | ReadResult>(request: LoadRequest | ReadRequest) {
  const child = fork(join(import.meta.dirname, "load.js"));
  const died = once(child, "exit").then(() => {
    throw new Error("The load client died.");
  });
  const heard = async <Message>() => (await Promise.race([once(child, "message"), died]))[0] as Message;
  await heard();
  return async () => {
    child.send(request);
    return heard<Result>();
  };
}

function complain({ errors }: Done, before: Record<string, number>, after: Record<string, number>) {
  for (const [what, count] of Object.entries(errors)) say(`  ${count} × ${what}`);
  for (const [name, pid] of Object.entries(before))
    if (after[name] !== pid) say(`  ${name} died and was started again: its CPU is not counted in full.`);
}

function sayWhoElse(othersMs: number, seconds: number) {
  const share = othersMs / (seconds * 1000 * availableParallelism());
  if (share > othersShare)
    say(`  Others used ${Math.round(share * 100)} % of the machine meanwhile: these figures are worse for it.`);
}
