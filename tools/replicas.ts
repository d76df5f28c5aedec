import { liveness, portsOf, readiness } from "./app-processes.js";
import type { App } from "./dapr-file.js";
import { checkPorts } from "./ports.js";
import type { ProcessManager, Spec } from "./process-manager.js";
import { allReady } from "./ready.js";
import { Refusal, type Say } from "./say.js";

// Replica n listens on the ports that dapr.yaml gives its app plus 20 × (n − 1): the second inventory on 8106, 3526,
// 3626, 3726 and 3826. dapr.yaml uses the first ten ports of each of these hundreds and the provider 8090, so no step
// meets them; the sixth replica would (3600). PORT_BASE moves these ports with all others.
const step = 20;
const most = 5;

/** The app as it is described and its further replicas: same app id, own names and ports. */
export function replicasOf(app: App, count = 1): App[] {
  if (!Number.isInteger(count) || count < 1 || count > most)
    throw new Refusal(`${count} is no number of replicas for ${app.appID}: from 1 to ${most} can run.`);
  return Array.from({ length: count }, (_, before) => ({
    ...app,
    name: before === 0 ? app.name : `${app.name}-${before + 1}`,
    appPort: app.appPort + before * step,
    daprHTTPPort: app.daprHTTPPort + before * step,
    daprGRPCPort: app.daprGRPCPort + before * step,
    daprInternalGRPCPort: app.daprInternalGRPCPort + before * step,
    metricsPort: app.metricsPort + before * step,
  }));
}

/** An app and its sidecar, as processes. */
type SpecsOf = (app: App) => { app: Spec; sidecar: Spec };
export type Replicas = ReturnType<typeof replicas>;

/** Knows which replicas of each app run, and changes their number while the system runs. */
export function replicas(kept: ProcessManager, portBase: number, say: Say) {
  const running = new Map<string, App[]>();
  let specsOf: SpecsOf;
  let before: Promise<unknown> = Promise.resolve();

  /** Others find a replica as soon as its sidecar is up, so its app is there before, and after. */
  async function add(apps: App[]): Promise<void> {
    for (const app of apps) kept.start(specsOf(app).app);
    await allReady(apps.map(liveness), kept, say);
    for (const app of apps) kept.start(specsOf(app).sidecar);
    await allReady(apps.flatMap(readiness), kept, say);
  }

  async function remove(apps: App[]): Promise<void> {
    const specs = apps.map(specsOf);
    await Promise.allSettled(specs.map(({ sidecar }) => kept.remove(sidecar.name)));
    await Promise.allSettled(specs.map(({ app }) => kept.remove(app.name)));
  }

  async function change(name: string, count: number): Promise<void> {
    const present = running.get(name);
    if (!present) throw new Refusal(`There is no app "${name}"; there are ${[...running.keys()].join(", ")}.`);
    const wanted = replicasOf(present[0]!, count);
    await remove(present.splice(count));
    const more = wanted.slice(present.length);
    await checkPorts(portsOf(more), portBase);
    try {
      await add(more);
    } catch (error) {
      await remove(more);
      throw error;
    }
    present.push(...more);
  }

  return {
    /** The first start of all apps; ready when it returns. */
    async start(apps: App[], specs: SpecsOf): Promise<void> {
      specsOf = specs;
      for (const { app, sidecar } of apps.map(specs)) {
        kept.start(app);
        kept.start(sidecar);
      }
      await allReady(apps.flatMap(readiness), kept, say);
      for (const app of apps) running.set(app.appID, [...(running.get(app.appID) ?? []), app]);
    },
    /** Starts or stops replicas until `count` run, the newest stop first; one change after the other. */
    scale(name: string, count: number): Promise<void> {
      const changed = before.then(() => change(name, count));
      before = changed.catch(() => {});
      return changed;
    },
  };
}
