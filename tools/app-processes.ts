import { type App, appEnv, sidecarArgs } from "./dapr-file.js";
import type { Spec } from "./keeper.js";
import { answersOk, type Check } from "./ready.js";

export const gateway = "api-gateway";

/** Every port an app and its sidecar need, by what wants it. */
export function portsOf(apps: App[]): Record<string, number> {
  return Object.fromEntries(
    apps.flatMap(({ appID, appPort, daprHTTPPort, daprGRPCPort, daprInternalGRPCPort, metricsPort }) => [
      [appID, appPort],
      [`${appID}'s sidecar (HTTP)`, daprHTTPPort],
      [`${appID}'s sidecar (gRPC)`, daprGRPCPort],
      [`${appID}'s sidecar (internal)`, daprInternalGRPCPort],
      [`${appID}'s sidecar (metrics)`, metricsPort],
    ]),
  );
}

const rankOf = ({ appID }: App) => (appID === gateway ? 5 : 4);

/** The app itself, as `dapr run` would start it. */
export function appSpec(app: App, extra: Record<string, string> = {}): Spec {
  const [command, ...args] = app.command as [string, ...string[]];
  const env = { ...inherited(), ...appEnv(app), ...extra };
  return {
    name: app.appID,
    command: command === "node" ? process.execPath : command,
    args,
    cwd: app.dir,
    env,
    rank: rankOf(app),
  };
}

export function sidecarSpec(
  app: App,
  daprd: string,
  addresses: { placement: string; scheduler: string },
  secrets: Record<string, string>,
): Spec {
  const env = { ...inherited(), ...secrets };
  return {
    name: `${app.appID}-daprd`,
    command: daprd,
    args: sidecarArgs(app, addresses),
    cwd: app.dir,
    env,
    rank: rankOf(app),
  };
}

// A connection string that was given to us is for the sidecars alone.
function inherited(): NodeJS.ProcessEnv {
  const { POSTGRES_URL: _, ...rest } = process.env;
  return rest;
}

export function readiness({ appID, appPort, daprHTTPPort }: App): Check[] {
  return [
    { name: appID, ready: answersOk(`http://127.0.0.1:${appPort}/readyz`) },
    { name: `${appID}-daprd`, ready: answersOk(`http://127.0.0.1:${daprHTTPPort}/v1.0/healthz`) },
  ];
}
