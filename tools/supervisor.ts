import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { appSpec, gateway, portsOf, sidecarSpec } from "./app-processes.js";
import { type BrokerName, withBroker } from "./broker.js";
import { type Control, control, serveControl } from "./control.js";
import { ensureDapr } from "./dapr.js";
import { type App, readApps } from "./dapr-file.js";
import { planInfra } from "./infra.js";
import { type Instance, infraPorts, instanceOf, root, socketPath } from "./instance.js";
import { planMtls } from "./mtls.js";
import { endOrphans, supervisorOf } from "./pids.js";
import { checkPorts } from "./ports.js";
import { type ProcessManager, processManager } from "./process-manager.js";
import { type Replicas, replicas, replicasOf } from "./replicas.js";
import { aloud, Refusal, type Say, silent } from "./say.js";
import { secretsOf } from "./secrets.js";
import { stopping } from "./stopping.js";
import { telemetryEnv } from "./telemetry.js";

export type LaunchOptions = {
  portBase?: number;
  dir?: string;
  /** The file that describes the apps; dapr.yaml of this repository unless named. */
  file?: string;
  /** Added to the environment of every app, and the first values of the configuration store. */
  appEnv?: Record<string, string>;
  settings?: Record<string, string>;
  /** Only these apps; all of them unless named. */
  apps?: string[];
  /** Other commands for some of them: another implementation, with the same sidecar. */
  commands?: Record<string, string[]>;
  /** How many of each app; one unless said. */
  replicas?: number;
  /** What carries the messages; Redis unless said. */
  broker?: BrokerName;
  /** Sidecars, placement and scheduler prove to each other who they are, and apps may ask each other only what they do ask. */
  mtls?: boolean;
  /** Spans go to OTEL_EXPORTER_OTLP_ENDPOINT, and every app serves metrics on a port of its own. */
  observe?: boolean;
  /** For so long, such as "3s", sidecars that are told to stop serve on (as in deploy/kubernetes). */
  blockShutdown?: string;
  /** No apps at all: placement and scheduler at the addresses dapr.yaml names, and the CLI found too. */
  infraOnly?: boolean;
  /** The gateway's console may kill, stop and start these processes (services/api-gateway/proof.ts). */
  proof?: boolean;
  quiet?: boolean;
};
export type System = {
  url: string;
  /** Those of every replica of the gateway, that one first. */
  urls: string[];
  dir: string;
  control: Control;
  ports: Record<string, number>;
  apps: App[];
  /** The environment that sidecars need, secrets included. */
  sidecarEnv: Record<string, string>;
  runtimePath: string;
  cli?: string;
  roots: () => Record<string, number>;
  stop: () => Promise<void>;
};

/** Starts the system described by dapr.yaml and keeps it alive until `stop`, Ctrl-C or SIGTERM. */
export async function launch(options: LaunchOptions = {}): Promise<System> {
  const say = options.quiet ? silent : aloud;
  const instance = instanceOf(options);
  refuseWhenRunning(instance);
  mkdirSync(instance.dir, { recursive: true });
  const orphans = await endOrphans(instance.dir);
  if (orphans > 0) say(`Ended ${orphans} processes that an earlier run had left behind.`);
  const kept = processManager(instance.dir);
  const copies = replicas(kept, instance.portBase, say);
  const server = await serveControl(instance.dir, kept, copies);
  const system = stopping(instance, kept, server, say);
  try {
    return { ...(await started(instance, kept, copies, options, say)), stop: system.stop };
  } catch (error) {
    // Interrupted: what failed then is not worth telling, and the process is about to end.
    if (system.interrupted()) await new Promise(() => {});
    await system.stop();
    throw error;
  }
}

const titles: Record<BrokerName, string> = { redis: "Redis", kafka: "Kafka" };

/** What the console's proof asks: this supervisor, and the payment provider, who testifies. */
const proofEnv = (instance: Instance) => ({
  CONTROL_SOCKET: socketPath(instance.dir),
  PROVIDER_URL: `http://127.0.0.1:${infraPorts(instance).provider}`,
});

function refuseWhenRunning({ dir, portBase }: Instance): void {
  const running = supervisorOf(dir);
  if (!running) return;
  const stop = portBase === 8080 ? "npm stop" : `PORT_BASE=${portBase} npm stop`;
  throw new Refusal(
    `The system in ${dir} is already running (process ${running.pid}): use it, or stop it first with ${stop}.`,
  );
}

async function started(
  instance: Instance,
  kept: ProcessManager,
  copies: Replicas,
  options: LaunchOptions,
  say: Say,
): Promise<Omit<System, "stop">> {
  const telemetry: Record<string, string> = options.observe ? telemetryEnv(process.env) : {};
  const { broker = "redis", commands = {} } = options;
  const described = readApps(options.file ?? join(root, "dapr.yaml"), instance)
    .map((app) => withBroker(app, broker))
    .map((app) => ({ ...app, command: commands[app.appID] ?? app.command }));
  const apps = options.infraOnly ? [] : described.filter(({ appID }) => options.apps?.includes(appID) ?? true);
  const dapr = await ensureDapr({ needCli: options.infraOnly, say });
  const ids = described.map(({ appID }) => appID);
  const mtls = options.mtls ? await planMtls(instance, dapr, ids) : undefined;
  const first = described[0]!;
  const given = options.infraOnly
    ? { placement: first.placementHostAddress, scheduler: first.schedulerHostAddress }
    : { mtls, broker };
  const secrets = secretsOf(instance.dir, ids);
  const infra = await planInfra(instance, dapr, secrets, say, given);
  const observed = apps.map((app) => ({ ...app, observed: options.observe, blockShutdown: options.blockShutdown }));
  const all = observed.flatMap((app) => replicasOf(app, options.replicas));
  const ports = { ...infra.ports, ...portsOf(all) };
  await checkPorts(ports, instance.portBase);
  // Addresses of sidecars that are gone.
  for (const suffix of ["", "-journal", "-wal", "-shm"])
    rmSync(join(instance.dir, `names.db${suffix}`), { force: true });
  say(`Starting PostgreSQL, ${titles[broker]}, placement, scheduler and the payment provider …`);
  const sidecarEnv = await infra.start(kept, options.settings ?? {});
  if (all.length > 0) say(`Starting ${all.map(({ name }) => name).join(", ")}, each with its sidecar …`);
  await copies.start(all, (app) => {
    const tokens = secrets.tokens[app.appID]!;
    const guarded = mtls?.guarded(app) ?? app;
    const sidecar = sidecarSpec(
      guarded,
      dapr.daprd,
      infra.addresses,
      tokens,
      { ...sidecarEnv, ...telemetry },
      mtls?.sidecar(app.appID),
    );
    // The keys may have been changed since (npm run keys).
    sidecar.before = () => void Object.assign(sidecar.env, { USER_JWT_KEYS: secretsOf(instance.dir).userJwtKeys });
    const proof = options.proof && app.appID === gateway ? proofEnv(instance) : {};
    return { app: appSpec(app, tokens, { ...telemetry, ...options.appEnv, ...proof }), sidecar };
  });
  const urlOf = (port: number) => `http://127.0.0.1:${port}`;
  return {
    url: urlOf(described.find(({ appID }) => appID === gateway)?.appPort ?? instance.portBase),
    urls: all.filter(({ appID }) => appID === gateway).map(({ appPort }) => urlOf(appPort)),
    dir: instance.dir,
    control: control(instance.dir),
    ports,
    apps: options.infraOnly ? described : apps,
    sidecarEnv,
    runtimePath: dapr.runtimePath,
    cli: dapr.cli,
    roots: kept.pids,
  };
}
