import type { Dapr } from "./dapr.js";
import type { Logger } from "./log.js";
import { count } from "./metrics.js";

/** When nobody is connected for so long, a new worker tries, and later the sidecar is ended, to be started again. */
const renewAfter = 10_000;
const endAfter = 30_000;

/**
 * Sees to it that the sidecar has a worker. When an app is killed while its workflows stand still, Dapr 1.18.2 may never
 * come to an end with putting them away: the next worker is kept waiting without a word, and no workflow ever runs again.
 */
export function engineWatch(dapr: Pick<Dapr, "call">, renew: () => void, log: Pick<Logger, "warn" | "error">) {
  let since: number | undefined;
  let renewed = false;
  const allIsWell = () => {
    since = undefined;
    renewed = false;
  };
  return async (): Promise<void> => {
    // A sidecar that is away, or has just come back, has nobody for another reason.
    const { text } = await dapr.call("GET", "/v1.0/metadata").catch((error) => {
      allIsWell();
      throw error;
    });
    if ((JSON.parse(text).workflows?.connectedWorkers ?? 0) > 0) return allIsWell();
    since ??= Date.now();
    const alone = Date.now() - since;
    if (alone >= endAfter) {
      log.error("the sidecar takes no workflow worker, it is ended to be started again");
      allIsWell();
      count("saga.worker.restarts", { cause: "sidecar_ended" });
      await dapr.call("POST", "/v1.0/shutdown");
    } else if (alone >= renewAfter && !renewed) {
      log.warn("the sidecar has no workflow worker, another one tries");
      renewed = true;
      count("saga.worker.restarts", { cause: "not_taken" });
      renew();
    }
  };
}
