import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Process } from "../contracts/console.js";
import { type Child, child, type Spec } from "./child.js";
import { identityOf } from "./identity.js";
import { empty, tail } from "./logs.js";
import { ranks, writePids } from "./pids.js";
import { Refusal } from "./say.js";

export type { Spec } from "./child.js";
export { endOrphans, supervisorOf } from "./pids.js";

const logCheckMs = 10_000;

export type ProcessManager = ReturnType<typeof processManager>;

/** Keeps processes alive, by name, and writes down who they are. */
export function processManager(dir: string) {
  const children = new Map<string, Child>();
  let closing = false;
  mkdirSync(join(dir, "logs"), { recursive: true });

  const all = () => [...children.values()];
  const logOf = (name: string) => join(dir, "logs", `${name}.log`);

  function named(name: string): Child {
    const found = children.get(name);
    if (found) return found;
    throw new Refusal(`There is no process "${name}"; there are ${[...children.keys()].join(", ")}.`);
  }

  function record(): void {
    writePids(dir, { supervisor: identityOf(process.pid)!, children: all().flatMap((one) => one.recorded()) });
  }

  const emptying = setInterval(() => {
    for (const name of children.keys()) empty(logOf(name));
  }, logCheckMs).unref();
  record();
  return {
    start(spec: Spec): void {
      if (closing) throw new Refusal(`The system is stopping: ${spec.name} is not started any more.`);
      const added = child(spec, logOf(spec.name), record);
      children.set(spec.name, added);
      added.launch();
    },
    kill: (name: string) => named(name).signal("SIGKILL"),
    pause: (name: string) => named(name).signal("SIGSTOP", "paused"),
    resume: (name: string) => named(name).signal("SIGCONT", "running"),
    stop: (name: string) => named(name).halt(),
    again: (name: string) => named(name).launch(),
    async restart(name: string) {
      await named(name).halt();
      named(name).launch();
    },
    /** Stops it as `stop` does; from then on there is no such process. */
    async remove(name: string) {
      const removed = named(name);
      removed.letGo();
      await removed.halt();
      children.delete(name);
      record();
    },
    list: (): Process[] => all().map((one) => one.seen()),
    /** Those that run now. */
    pids: (): Record<string, number> => Object.fromEntries(all().flatMap((one) => pidOf(one.seen()))),
    /** The first child that keeps dying, if any. */
    failing: (limit = 5) => all().find((one) => one.deaths() >= limit)?.spec.name,
    lastLines: (name: string, count = 12) => tail(logOf(name), count),
    /** Stops everything, the highest rank first; `force` does not wait for anyone's manners. */
    async close(force = false) {
      closing = true;
      clearInterval(emptying);
      for (const one of all()) one.letGo();
      for (const rank of ranks(all().map(({ spec }) => spec)))
        await Promise.all(all().flatMap((one) => (one.spec.rank === rank ? [one.halt(force)] : [])));
      writePids(dir, undefined);
    },
    /** For the moment in which nothing can be awaited any more. */
    signalAll(name?: NodeJS.Signals) {
      closing = true;
      for (const one of all()) one.letGo(name ?? one.spec.stopSignal ?? "SIGTERM");
    },
  };
}

const pidOf = ({ name, pid }: Process): [string, number][] => (pid === undefined ? [] : [[name, pid]]);
