import { availableParallelism } from "node:os";
import type { App } from "./dapr-file.js";

type Addresses = { placement: string; scheduler: string };

/**
 * A Go process takes the whole machine for its own, and seven of them on a few cores spend their time waking threads: with
 * a quarter of the cores each they cost up to a tenth less when there is much to do, and a quarter less when there is little.
 */
export const share = { GOMAXPROCS: String(Math.ceil(availableParallelism() / 4)) };

/** The flags `dapr run` would give this app's sidecar, bound to this machine only, with time to finish what it has begun. */
export function sidecarArgs(app: App, { placement, scheduler }: Addresses): string[] {
  const flags: Record<string, string | number | undefined> = {
    "app-id": app.appID,
    "app-port": app.appPort,
    "app-protocol": app.appProtocol ?? "http",
    "app-max-concurrency": app.appMaxConcurrency,
    "dapr-http-port": app.daprHTTPPort,
    "dapr-grpc-port": app.daprGRPCPort,
    "dapr-internal-grpc-port": app.daprInternalGRPCPort,
    "dapr-internal-grpc-listen-address": "127.0.0.1",
    "dapr-listen-addresses": "127.0.0.1",
    "dapr-graceful-shutdown-seconds": 5,
    "dapr-block-shutdown-duration": app.blockShutdown,
    "metrics-port": app.metricsPort,
    "metrics-listen-address": "127.0.0.1",
    "placement-host-address": placement,
    "scheduler-host-address": scheduler,
    config: app.configFilePath,
    "max-body-size": app.maxBodySize,
    "read-buffer-size": app.readBufferSize,
    "log-level": app.logLevel ?? "info",
  };
  const switches = [
    "--log-as-json",
    ...(app.enableApiLogging ? ["--enable-api-logging"] : []),
    ...(app.resourcesPaths ?? []).flatMap((path) => ["--resources-path", path]),
  ];
  const given = Object.entries(flags).filter(([, value]) => value !== undefined);
  return [...given.flatMap(([name, value]) => [`--${name}`, String(value)]), ...switches];
}

/** Where an observed app serves its own metrics; its sidecar's are at `metricsPort`. */
export const appMetricsPort = ({ metricsPort }: Pick<App, "metricsPort">): number => metricsPort + 100;

/** What `dapr run` tells an app about itself and its sidecar, and what dapr.yaml adds. */
export function appEnv(app: App): Record<string, string> {
  return {
    APP_ID: app.appID,
    APP_PORT: String(app.appPort),
    APP_CHANNEL_ADDRESS: "127.0.0.1",
    APP_PROTOCOL: app.appProtocol ?? "http",
    DAPR_HTTP_PORT: String(app.daprHTTPPort),
    DAPR_GRPC_PORT: String(app.daprGRPCPort),
    DAPR_METRICS_PORT: String(app.metricsPort),
    ...(app.observed && { METRICS_PORT: String(appMetricsPort(app)) }),
    ...app.env,
  };
}
