import type { Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Service } from "../contracts/metrics.js";
import { connect, type Dapr } from "./dapr.js";
import { armFaults } from "./faults.js";
import type { Read } from "./gauges.js";
import { type App, app, probes } from "./http.js";
import { type Exposure, listen } from "./listen.js";
import { type Logger, logger } from "./log.js";
import { startMetrics } from "./metrics.js";
import { startTracing } from "./trace.js";

type Env = {
  APP_PORT: number;
  DAPR_HTTP_PORT: number;
  LOG_LEVEL: string;
  HOST: string;
  DRAIN_SECONDS: number;
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
  exposure?: Exposure;
  /** Where anybody connects: so many milliseconds pass until those who ask /readyz have noticed that it stops. */
  notice?: number;
};

/** A sidecar is found as soon as it is up, which is a little before its app is prepared. */
const soonPrepared = 2_000;
/** What is answered before that: daprd, which subscribes, and whoever asks whether it is. */
const isAnsweredAtOnce = (path: string) => path.startsWith("/dapr/") || probes.includes(path);
/** What a sidecar had taken in before it left reaches the app within this time. */
const lastWords = 300;

/**
 * The life of every service: listen first (daprd waits for the port), then wait for the sidecar, prepare, be ready.
 * On SIGTERM it is not ready any more, but answers until nobody can ask: then it finishes what is under way and leaves.
 */
export async function service(name: Service, env: Env, wire: (wire: Wire) => Running): Promise<void> {
  const log = logger(name, env.LOG_LEVEL);
  armFaults(name, env.FAULTS_DIR);
  const stopTracing = await startTracing(name, env);
  const metrics = await startMetrics(name, env, log);
  const dapr = connect(env);
  let prepared = false;
  let leaving = false;
  let begin = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const web = app(log, async () => prepared && !leaving && (await dapr.ready()));
  web.koa.use(async (ctx, next) => {
    if (leaving && exposure === "public") ctx.set("connection", "close");
    if (!prepared && !isAnsweredAtOnce(ctx.path)) await Promise.race([begun, sleep(soonPrepared)]);
    await next();
  });
  const running = wire({ app: web, dapr, log });
  const { exposure = "sidecar" } = running;
  if (exposure === "sidecar") web.onlyWith(env.APP_API_TOKEN);
  if (exposure === "sidecar" && !env.APP_API_TOKEN)
    log.warn("APP_API_TOKEN is not set: whoever reaches this port is answered");

  process.on("unhandledRejection", (error) => {
    log.fatal({ err: error }, "unhandled, the process restarts");
    log.flush();
    process.exit(1);
  });
  const server = await listen(web, env.APP_PORT, env.HOST, exposure);
  const stop = async () => {
    log.info("stopping");
    leaving = true;
    await (exposure === "public" ? sleep(running.notice) : sidecarLeft(dapr, env.DRAIN_SECONDS * 1000));
    web.refuse();
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
      begin();
    } catch (error) {
      log.warn({ err: error, tries }, "not prepared yet, tries again");
      await sleep(500);
    }
  }
  metrics.read(running.gauges ?? []);
  log.info({ port: env.APP_PORT }, "ready");
}

async function sidecarLeft(dapr: Dapr, patience: number): Promise<void> {
  const over = Date.now() + patience;
  const isThere = () =>
    dapr.call("GET", "/v1.0/healthz").then(
      () => true,
      () => false,
    );
  while (Date.now() < over) {
    if (!(await Promise.race([isThere(), sleep(patience, true)]))) return sleep(lastWords);
    await sleep(100);
  }
}

function closed(server: Server): Promise<void> {
  const done = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const patience = new Promise<void>((resolve) => setTimeout(resolve, 4_000).unref());
  return Promise.race([done, patience]);
}
