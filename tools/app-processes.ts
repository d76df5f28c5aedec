import type { App } from "./dapr-file.js";
import { appEnv, appMetricsPort, share, sidecarArgs } from "./dapr-flags.js";
import type { Spec } from "./process-manager.js";
import { answersOk, type Check } from "./ready.js";
import type { Tokens } from "./secrets.js";

export const gateway = "api-gateway";

/** Every port an app and its sidecar need, by what wants it. */
export function portsOf(apps: App[]): Record<string, number> {
  return Object.fromEntries(
    apps.flatMap(({ name, appPort, daprHTTPPort, daprGRPCPort, daprInternalGRPCPort, metricsPort, observed }) => [
      [name, appPort],
      ...(observed ? [[`${name} (metrics)`, appMetricsPort({ metricsPort })]] : []),
      [`${name}'s sidecar (HTTP)`, daprHTTPPort],
      [`${name}'s sidecar (gRPC)`, daprGRPCPort],
      [`${name}'s sidecar (internal)`, daprInternalGRPCPort],
      [`${name}'s sidecar (metrics)`, metricsPort],
    ]),
  );
}

const rankOf = ({ appID }: App) => (appID === gateway ? 5 : 4);

/** The app itself, as `dapr run` would start it. */
export function appSpec(app: App, tokens: Tokens, extra: Record<string, string> = {}): Spec {
  const [command, ...args] = app.command as [string, ...string[]];
  const env = { ...inherited(), ...appEnv(app), ...environmentOf(tokens), ...extra };
  return {
    name: app.name,
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
  tokens: Tokens,
  secrets: Record<string, string>,
  identity: Pick<Spec, "args" | "env"> = { args: [], env: {} },
): Spec {
  const env = { ...share, ...inherited(), ...secrets, ...environmentOf(tokens), ...identity.env };
  return {
    name: `${app.name}-daprd`,
    command: daprd,
    args: [...sidecarArgs(app, addresses), ...identity.args],
    cwd: app.dir,
    env,
    rank: rankOf(app),
  };
}

/** Both sides know both: one sends a token, the other looks at it. */
const environmentOf = ({ api, app }: Tokens) => ({ DAPR_API_TOKEN: api, APP_API_TOKEN: app });

// A connection string and a password that were given to us are for the sidecars alone; telemetry.ts says what is observed.
function inherited(): NodeJS.ProcessEnv {
  const { POSTGRES_URL: _, SMTP_PASSWORD: __, ...rest } = process.env;
  return Object.fromEntries(Object.entries(rest).filter(([name]) => !name.startsWith("OTEL_")));
}

export function readiness({ name, appPort, daprHTTPPort }: App): Check[] {
  return [
    { name, ready: answersOk(`http://127.0.0.1:${appPort}/readyz`) },
    { name: `${name}-daprd`, ready: answersOk(`http://127.0.0.1:${daprHTTPPort}/v1.0/healthz`) },
  ];
}

export const liveness = ({ name, appPort }: App): Check => {
  return { name, ready: answersOk(`http://127.0.0.1:${appPort}/healthz`) };
};
