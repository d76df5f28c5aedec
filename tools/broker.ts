import { basename, dirname, join } from "node:path";
import type { App } from "./dapr-file.js";
import type { Instance } from "./instance.js";
import { kafkaOf } from "./kafka.js";
import type { Spec } from "./process-manager.js";
import { answers, redisOf } from "./redis.js";
import type { Say } from "./say.js";

export type BrokerName = "redis" | "kafka";
/** What carries the messages; `spec` and `ports` where it is ours to start. `env` tells the sidecars where it is. */
export type Broker = {
  ports: Record<string, number>;
  spec?: Spec | undefined;
  ready: () => Promise<boolean>;
  env: Record<string, string>;
};

export async function brokerOf(name: BrokerName, instance: Instance, say: Say): Promise<Broker> {
  if (name === "kafka") return kafkaOf(instance, say);
  const { port, spec } = await redisOf(instance, say);
  const env = { REDIS_HOST: `127.0.0.1:${port}` };
  return { ports: spec ? { redis: port } : {}, spec, ready: () => answers(port), env };
}

/** dapr.yaml names the folder with the component of Redis; that of Kafka is beside it. */
export function withBroker(app: App, name: BrokerName): App {
  if (name === "redis") return app;
  const chosen = (path: string) => (basename(path) === "redis" ? join(dirname(path), name) : path);
  return { ...app, resourcesPaths: app.resourcesPaths?.map(chosen) };
}
