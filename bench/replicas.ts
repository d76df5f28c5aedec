import { comparisonOf, type Figures } from "./figures.js";
import { type Options, onSystem, say, show, tell } from "./ground.js";
import { loaded, warmedUp } from "./loaded.js";
import { full, prepare } from "./shapes.js";

/** The whole system under the heaviest load, with one and with two of every service; all gateways are asked in turn. */
export async function measureReplicas(options: Options): Promise<void> {
  const load = { concurrency: 64, orders: options.quick ? 100 : 1500 };
  const all: [string, Figures][] = [];
  for (const replicas of [1, 2]) {
    say(`replicas: starting ${replicas} of every service …`);
    const figures = await onSystem(options, { replicas }, async (ground) => {
      const target = { ...(await prepare(full, ground)), urls: ground.urls };
      await warmedUp(target);
      say(`replicas: ${load.orders} orders, ${load.concurrency} at once …`);
      return loaded(full.name, ground, { ...target, ...load });
    });
    tell(options, { suite: "replicas", replicas, ...figures });
    all.push([String(replicas), figures]);
  }
  show(options, comparisonOf("of every service", all));
}
