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

/**
 * One app of dapr.yaml, with the common part folded in, all paths absolute and its ports those of the instance.
 * `name` is that of its process: the app id, or for a further replica `inventory-2`.
 */
export type App = Omit<z.infer<typeof App>, "appDirPath"> & {
  name: string;
  dir: string;
  /** Serves metrics too. */
  observed?: boolean | undefined;
  /** For so long its sidecar takes no new message when it is told to stop, but serves on: "3s". */
  blockShutdown?: string | undefined;
};

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
      name: app.appID,
      dir,
      env: { ...common.env, ...app.env },
      resourcesPaths:
        app.resourcesPaths?.map((path) => resolve(dir, path)) ??
        common.resourcesPaths?.map((path) => resolve(base, path)),
      configFilePath: config && rendered(config, instance),
    };
  });
}

/** The ids of all apps in a dapr.yaml. */
export const appIds = (file: string): string[] =>
  (parse(readFileSync(file, "utf8")) as z.infer<typeof DaprFile>).apps.map(({ appID }) => appID);

function rendered(config: string, instance: Instance): string {
  if (!existsSync(config)) throw new Refusal(`dapr.yaml names ${config}, which does not exist.`);
  const documents = parseAllDocuments(readFileSync(config, "utf8"));
  const path = join(instance.dir, "config", basename(config));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, documents.map((document) => stringify(shift(document.toJS(), instance))).join("---\n"));
  return path;
}
