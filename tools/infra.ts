import { join } from "node:path";
import { type BrokerName, brokerOf } from "./broker.js";
import type { Dapr } from "./dapr.js";
import { accepts, prepareDatabases } from "./databases.js";
import { type Instance, infraPorts, root } from "./instance.js";
import { mailSettings } from "./mail.js";
import type { Mtls } from "./mtls.js";
import { listening } from "./ports.js";
import { postgresOf } from "./postgres.js";
import type { ProcessManager, Spec } from "./process-manager.js";
import { allReady, answersOk, type Check } from "./ready.js";
import type { Say } from "./say.js";
import type { Secrets } from "./secrets.js";

/** What the apps stand on: the ports it needs, and how to start it. */
type Infra = {
  ports: Record<string, number>;
  addresses: { placement: string; scheduler: string };
  start: (processes: ProcessManager, settings: Record<string, string>) => Promise<Record<string, string>>;
};
type Given = { placement?: string; scheduler?: string; mtls?: Mtls | undefined; broker?: BrokerName | undefined };

/**
 * Plans PostgreSQL, the broker, the payment provider, placement and scheduler, with mTLS sentry before them. Where `given` names an address, placement and
 * scheduler are started there, unless something listens there already. `start` gives the environment for the sidecars.
 */
export async function planInfra(
  instance: Instance,
  dapr: Dapr,
  secrets: Secrets,
  say: Say,
  given: Given = {},
): Promise<Infra> {
  const ports = infraPorts(instance);
  const mail = mailSettings(process.env);
  const { mtls, broker: name = "redis" } = given;
  const [postgres, broker] = await Promise.all([
    postgresOf(instance, secrets.postgresPassword, say),
    brokerOf(name, instance, say),
  ]);
  const placement = withPart(
    await planPlacement(instance, dapr, given.placement),
    mtls?.controlPlane("dapr-placement"),
  );
  const scheduler = withPart(
    await planScheduler(instance, dapr, given.scheduler),
    mtls?.controlPlane("dapr-scheduler"),
  );
  const own = {
    ...(postgres.spec && { postgres: ports.postgres }),
    ...broker.ports,
    ...placement.ports,
    ...scheduler.ports,
    ...mtls?.ports,
    provider: ports.provider,
  };
  const specs = [postgres.spec, broker.spec, placement.spec, scheduler.spec, provider(instance)];
  const checks: Check[] = [
    { name: "postgres", ready: () => accepts(postgres.url) },
    { name, ready: broker.ready },
    ...placement.checks,
    ...scheduler.checks,
    { name: "provider", ready: answersOk(`http://127.0.0.1:${ports.provider}/healthz`) },
  ];
  return {
    ports: own,
    addresses: { placement: placement.address, scheduler: scheduler.address },
    async start(processes, settings) {
      if (mtls) {
        processes.start(mtls.spec);
        await allReady([mtls.check], processes, say);
      }
      for (const spec of specs) if (spec) processes.start(spec);
      await allReady(checks, processes, say);
      const connections = await prepareDatabases(postgres, settings);
      // The sidecars tell each other where they are: on this machine, whatever its network looks like.
      const here = { DAPR_HOST_IP: "127.0.0.1" };
      return { ...connections, ...here, ...mail, ...broker.env, USER_JWT_KEYS: secrets.userJwtKeys };
    },
  };
}

function withPart(planned: Planned, part?: Pick<Spec, "args" | "env">): Planned {
  const { spec } = planned;
  if (!spec || !part) return planned;
  return { ...planned, spec: { ...spec, args: [...spec.args, ...part.args], env: { ...spec.env, ...part.env } } };
}

type Planned = { address: string; ports: Record<string, number>; checks: Check[]; spec?: Spec };

async function planPlacement(instance: Instance, { placement: command }: Dapr, given?: string): Promise<Planned> {
  const { placement, placementHealth, placementMetrics, placementRaft } = infraPorts(instance);
  const address = given ?? `127.0.0.1:${placement}`;
  const port = portOf(address);
  if (given && (await listening(port))) return { address, ports: {}, checks: [] };
  const args = [
    ...controlPlaneArgs(port, placementHealth, placementMetrics),
    `--initial-cluster=dapr-placement-0=127.0.0.1:${placementRaft}`,
  ];
  return {
    address,
    ports: {
      placement: port,
      "placement's health": placementHealth,
      "placement's metrics": placementMetrics,
      "placement's raft": placementRaft,
    },
    checks: [{ name: "placement", ready: answersOk(`http://127.0.0.1:${placementHealth}/healthz`) }],
    spec: { name: "placement", command, args, cwd: instance.dir, env: bare(), rank: 2 },
  };
}

async function planScheduler(instance: Instance, { scheduler: command }: Dapr, given?: string): Promise<Planned> {
  const { scheduler, schedulerHealth, schedulerMetrics, schedulerClient, schedulerPeer } = infraPorts(instance);
  const address = given ?? `127.0.0.1:${scheduler}`;
  const port = portOf(address);
  if (given && (await listening(port))) return { address, ports: {}, checks: [] };
  const args = [
    ...controlPlaneArgs(port, schedulerHealth, schedulerMetrics),
    `--override-broadcast-host-port=127.0.0.1:${port}`,
    `--etcd-data-dir=${join(instance.dir, "scheduler")}`,
    `--etcd-client-port=${schedulerClient}`,
    // Its defaults keep a million revisions on disk and a hundred thousand entries in memory, of which an order makes twenty.
    "--etcd-compaction-mode=periodic",
    "--etcd-compaction-retention=2m",
    "--etcd-snapshot-count=10000",
    "--etcd-max-wals=2",
    "--etcd-max-snapshots=2",
    `--etcd-initial-cluster=dapr-scheduler-server-0=http://localhost:${schedulerPeer}`,
  ];
  return {
    address,
    ports: {
      scheduler: port,
      "scheduler's health": schedulerHealth,
      "scheduler's metrics": schedulerMetrics,
      "scheduler's store": schedulerClient,
      "scheduler's peers": schedulerPeer,
    },
    checks: [{ name: "scheduler", ready: answersOk(`http://127.0.0.1:${schedulerHealth}/healthz`) }],
    spec: { name: "scheduler", command, args, cwd: instance.dir, env: bare(), rank: 2 },
  };
}

function controlPlaneArgs(port: number, health: number, metrics: number): string[] {
  const local = ["--listen-address", "--healthz-listen-address", "--metrics-listen-address"].map(
    (flag) => `${flag}=127.0.0.1`,
  );
  return [
    ...local,
    `--port=${port}`,
    `--healthz-port=${health}`,
    `--metrics-port=${metrics}`,
    "--log-level=warn",
    "--log-as-json",
  ];
}

function provider(instance: Instance): Spec {
  const env = { ...bare(), PORT: String(infraPorts(instance).provider), DATA_DIR: join(instance.dir, "provider") };
  const main = join(root, "dist", "tools", "payment-provider", "main.js");
  return { name: "provider", command: process.execPath, args: [main], cwd: root, env, rank: 3 };
}

const bare = () => ({ PATH: process.env.PATH, HOME: process.env.HOME });
const portOf = (address: string) => Number(address.split(":").at(-1));
