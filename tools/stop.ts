import { isAlive, signal } from "./identity.js";
import { instanceOf } from "./instance.js";
import { endOrphans, supervisorOf } from "./pids.js";
import { help, pause, Refusal, ticking } from "./say.js";

const usage = `
npm stop             stop the running system, and whatever a killed one left behind

  PORT_BASE, ORDERS_DATA   which one, when it was started with them
`;

const patienceMs = 60_000;

export async function run(args: string[]): Promise<void> {
  help(args, usage);
  const { dir } = instanceOf();
  const stopped = await stopInstance(dir);
  console.log(stopped ? "Stopped." : `Nothing runs in ${dir}.`);
}

/** Stops the instance in this folder, orphans included; true when there was something to stop. */
export async function stopInstance(dir: string): Promise<boolean> {
  const supervisor = supervisorOf(dir);
  if (supervisor) {
    signal(supervisor, "SIGTERM");
    const tick = ticking(console.log, () => "stopping");
    for (const deadline = Date.now() + patienceMs; isAlive(supervisor); await pause(50)) {
      if (Date.now() > deadline)
        throw new Refusal(
          `Process ${supervisor.pid} does not stop: end it with kill -9 ${supervisor.pid}, then run npm stop again.`,
        );
    }
    tick();
  }
  const orphans = await endOrphans(dir);
  return supervisor !== undefined || orphans > 0;
}
