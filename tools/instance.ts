import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Refusal } from "./say.js";

/** One running copy of the system: its ports are shifted by `offset`, its data lives in `dir`. */
export type Instance = { portBase: number; offset: number; dir: string };

const gatewayPort = 8080;
const home = {
  postgres: 5440,
  redis: 6379,
  kafka: 9092,
  kafkaController: 9093,
  provider: 8090,
  placement: 6050,
  placementHealth: 6051,
  placementMetrics: 6052,
  placementRaft: 6053,
  scheduler: 6060,
  schedulerHealth: 6061,
  schedulerMetrics: 6062,
  schedulerClient: 6063,
  schedulerPeer: 6064,
  sentry: 6070,
  sentryHealth: 6071,
  sentryMetrics: 6072,
};
type InfraPorts = typeof home;

export const root = findRoot(import.meta.dirname);

function findRoot(dir: string): string {
  return existsSync(join(dir, "dapr.yaml")) ? dir : findRoot(dirname(dir));
}

export function instanceOf(options: { portBase?: number; dir?: string } = {}): Instance {
  const portBase = options.portBase ?? portOf(process.env.PORT_BASE);
  const fallback = portBase === gatewayPort ? ".run" : `.run-${portBase}`;
  const dir = options.dir ?? (options.portBase === undefined ? process.env.ORDERS_DATA : undefined) ?? fallback;
  return { portBase, offset: portBase - gatewayPort, dir: resolve(root, dir) };
}

export function portOf(text: string | undefined, otherwise = gatewayPort): number {
  if (!text) return otherwise;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 6080 && port <= 65000) return port;
  throw new Refusal(`PORT_BASE=${text} is not a port from 6080 to 65000: use for example PORT_BASE=20080.`);
}

export function infraPorts({ offset }: Instance): InfraPorts {
  return Object.fromEntries(Object.entries(home).map(([name, port]) => [name, port + offset])) as InfraPorts;
}

/** Unix socket paths end at about 100 characters: a deeper data folder gets its socket in the temp folder. */
export function socketPath(dir: string): string {
  const path = join(dir, "control.sock");
  if (path.length <= 100) return path;
  return join(tmpdir(), `orders-${createHash("sha256").update(dir).digest("hex").slice(0, 12)}.sock`);
}
