import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { parse, parseAllDocuments, stringify } from "yaml";
import { z } from "zod";
import type { Instance } from "./instance.js";
import { Refusal } from "./say.js";
import { shift } from "./shift.js";

const shared = {
  resourcesPaths: z.array(z.string()).optional(),
  configFilePath: z.string().optional(),
  placementHostAddress: z.string().optional(),
  schedulerHostAddress: z.string().optional(),
  appProtocol: z.string().optional(),
  appMaxConcurrency: z.number().optional(),
  maxBodySize: z.string().optional(),
  readBufferSize: z.string().optional(),
  enableApiLogging: z.boolean().optional(),
  enableAppHealthCheck: z.boolean().optional(),
  appHealthCheckPath: z.string().optional(),
  appHealthProbeInterval: z.number().optional(),
  appHealthProbeTimeout: z.number().optional(),
  appHealthThreshold: z.number().optional(),
  logLevel: z.string().optional(),
  env: z.record(z.string(), z.coerce.string()).optional(),
};
// Strict: a setting that the supervisor would not pass on must not be ignored in silence.
const App = z.strictObject({
  appID: z.string(),
  appDirPath: z.string(),
  appPort: z.number(),
  daprHTTPPort: z.number(),
  daprGRPCPort: z.number(),
  daprInternalGRPCPort: z.number(),
  metricsPort: z.number(),
  command: z.array(z.string()).min(1),
  ...shared,
});
const DaprFile = z.strictObject({
  version: z.literal(1),
  name: z.string().optional(),
  common: z.strictObject(shared).default({}),
  apps: z.array(App).min(1),
});

/** One app of dapr.yaml, with the common part folded in, all paths absolute and its ports those of the instance. */
export type App = Omit<z.infer<typeof App>, "appDirPath"> & { dir: string };

/** Reads dapr.yaml for one instance; configuration files that name ports or data are rendered into the instance's folder. */
export function readApps(file: string, instance: Instance): App[] {
  const parsed = DaprFile.safeParse(shift(parse(readFileSync(file, "utf8")), instance));
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new Refusal(`${basename(file)} is not understood at ${path.join(".") || "its top"}: ${message}.`);
  }
  const { common, apps } = parsed.data;
  const base = dirname(file);
  return apps.map(({ appDirPath, ...app }) => {
    const dir = resolve(base, appDirPath);
    const config = app.configFilePath
      ? resolve(dir, app.configFilePath)
      : common.configFilePath && resolve(base, common.configFilePath);
    return {
      ...common,
      ...app,
      dir,
      env: { ...common.env, ...app.env },
      resourcesPaths:
        app.resourcesPaths?.map((path) => resolve(dir, path)) ??
        common.resourcesPaths?.map((path) => resolve(base, path)),
      configFilePath: config && rendered(config, instance),
    };
  });
}

function rendered(config: string, instance: Instance): string {
  if (!existsSync(config)) throw new Refusal(`dapr.yaml names ${config}, which does not exist.`);
  const documents = parseAllDocuments(readFileSync(config, "utf8"));
  const path = join(instance.dir, "config", basename(config));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, documents.map((document) => stringify(shift(document.toJS(), instance))).join("---\n"));
  return path;
}

type Addresses = { placement: string; scheduler: string };

/** The flags `dapr run` would give this app's sidecar, bound to this machine only, with time to finish what it has begun. */
export function sidecarArgs(app: App, { placement, scheduler }: Addresses): string[] {
  const flags: Record<string, string | number | undefined> = {
    "app-id": app.appID,
    "app-port": app.appPort,
    "app-protocol": app.appProtocol ?? "http",
    "app-max-concurrency": app.appMaxConcurrency,
    "app-health-check-path": app.appHealthCheckPath,
    "app-health-probe-interval": app.appHealthProbeInterval,
    "app-health-probe-timeout": app.appHealthProbeTimeout,
    "app-health-threshold": app.appHealthThreshold,
    "dapr-http-port": app.daprHTTPPort,
    "dapr-grpc-port": app.daprGRPCPort,
    "dapr-internal-grpc-port": app.daprInternalGRPCPort,
    "dapr-internal-grpc-listen-address": "127.0.0.1",
    "dapr-listen-addresses": "127.0.0.1",
    "dapr-graceful-shutdown-seconds": 5,
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
    ...(app.enableAppHealthCheck ? ["--enable-app-health-check"] : []),
    ...(app.enableApiLogging ? ["--enable-api-logging"] : []),
    ...(app.resourcesPaths ?? []).flatMap((path) => ["--resources-path", path]),
  ];
  const given = Object.entries(flags).filter(([, value]) => value !== undefined);
  return [...given.flatMap(([name, value]) => [`--${name}`, String(value)]), ...switches];
}

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
    ...app.env,
  };
}
