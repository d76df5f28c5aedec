import type { Server } from "node:http";
import type { Service } from "../contracts/metrics.js";
import { connect, type Dapr } from "./dapr.js";
import { armFaults } from "./faults.js";
import type { Read } from "./gauges.js";
import { type App, app } from "./http.js";
import { type Door, listen } from "./listen.js";
import { type Logger, logger } from "./log.js";
import { startMetrics } from "./metrics.js";
import { startTracing } from "./trace.js";

type Env = {
  APP_PORT: number;
  DAPR_HTTP_PORT: number;
  LOG_LEVEL: string;
  HOST: string;
  APP_API_TOKEN?: string | undefined;
  DAPR_API_TOKEN?: string | undefined;
  METRICS_PORT?: number | undefined;
  OTEL_METRICS_EXPORTER?: string | undefined;
  FAULTS_DIR?: string | undefined;
  OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
};
type Wire = { app: App; dapr: Dapr; log: Logger };
export type Running = {
  /** What a service does once its sidecar answers: indexes, demo data, workers. */
  prepare?: () => Promise<void>;
  /** How it stops that again. */
  stop?: () => Promise<void>;
  /** What its operators want to know of its data; only read when metrics are asked for. */
  gauges?: Read[];
  /** Who connects to it; its sidecar, which shows the app token, unless it says otherwise. */
  door?: Door;
  /** For so many milliseconds a stopping service refuses new requests with 503, for clients that still come. */
  drain?: number;
};

/**
 * The life of every service: listen first (daprd waits for the port), then wait for the sidecar, prepare, be ready;
 * on SIGTERM refuse new work, finish what is under way, leave.
 */
export async function service(name: Service, env: Env, wire: (wire: Wire) => Running): Promise<void> {
  const log = logger(name, env.LOG_LEVEL);
  armFaults(name, env.FAULTS_DIR);
  const stopTracing = await startTracing(name, env);
  const metrics = await startMetrics(name, env, log);
  const dapr = connect(env);
  let prepared = false;
  const web = app(log, async () => prepared && (await dapr.ready()));
  const running = wire({ app: web, dapr, log });
  const { door = "sidecar" } = running;
  if (door === "sidecar") web.onlyWith(env.APP_API_TOKEN);
  if (door === "sidecar" && !env.APP_API_TOKEN)
    log.warn("APP_API_TOKEN is not set: whoever reaches this port is answered");

  process.on("unhandledRejection", (error) => {
    log.fatal({ err: error }, "unhandled, the process restarts");
    log.flush();
    process.exit(1);
  });
  const server = await listen(web, env.APP_PORT, env.HOST, door);
  const stop = async () => {
    log.info("stopping");
    web.refuse();
    await new Promise((resume) => setTimeout(resume, running.drain ?? 0));
    await Promise.all([closed(server), running.stop?.()]);
    await stopTracing().catch((error) => log.warn({ err: error }, "the last spans could not be sent"));
    log.flush();
    process.exit(0);
  };
  process.once("SIGTERM", () => void stop());
  process.once("SIGINT", () => void stop());

  await dapr.waitUntilReady();
  for (let tries = 1; !prepared; tries++) {
    try {
      await running.prepare?.();
      prepared = true;
    } catch (error) {
      log.warn({ err: error, tries }, "not prepared yet, tries again");
      await new Promise((resume) => setTimeout(resume, 500));
    }
  }
  metrics.read(running.gauges ?? []);
  log.info({ port: env.APP_PORT }, "ready");
}

function closed(server: Server): Promise<void> {
  const done = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const patience = new Promise<void>((resolve) => setTimeout(resolve, 4_000).unref());
  return Promise.race([done, patience]);
}
