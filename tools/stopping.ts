import { rmSync } from "node:fs";
import { type Instance, socketPath } from "./instance.js";
import type { ProcessManager } from "./process-manager.js";
import type { Say } from "./say.js";

const endings = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Stops the instance once, whoever asks first; a second Ctrl-C does not wait any longer. */
export function stopping(instance: Instance, kept: ProcessManager, control: { close: () => unknown }, say: Say) {
  let stopped: Promise<void> | undefined;
  let interrupted = false;
  const onExit = () => kept.signalAll();
  const onSignal = (signal: NodeJS.Signals) => {
    interrupted = true;
    if (stopped) {
      kept.signalAll("SIGKILL");
      process.exit(130);
    }
    say(signal === "SIGINT" ? "\nStopping (Ctrl-C again to kill) …" : "Stopping …");
    void stop().then(() => process.exit(signal === "SIGINT" ? 0 : 143));
  };
  function stop(): Promise<void> {
    stopped ??= kept.close().then(() => {
      control.close();
      rmSync(socketPath(instance.dir), { force: true });
      process.off("exit", onExit);
      for (const signal of endings) process.off(signal, onSignal);
    });
    return stopped;
  }
  process.on("exit", onExit);
  for (const signal of endings) process.on(signal, onSignal);
  // A closed terminal must not keep us from stopping.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
  return { stop, interrupted: () => interrupted };
}
