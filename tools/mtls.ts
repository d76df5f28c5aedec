import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SignJWT } from "jose";
import { parse, stringify } from "yaml";
import { accessControl, defaultNamespace as namespace } from "./access.js";
import type { Dapr } from "./dapr.js";
import type { App } from "./dapr-file.js";
import { type Instance, infraPorts, root } from "./instance.js";
import type { Spec } from "./process-manager.js";
import { answersOk, type Check } from "./ready.js";

/** A process's part: flags and environment with which it proves who it is. */
type Part = { args: string[]; env: Record<string, string> };
export type Mtls = {
  ports: Record<string, number>;
  check: Check;
  spec: Spec;
  /** For placement and scheduler. */
  controlPlane: (id: "dapr-placement" | "dapr-scheduler") => Part;
  /** For a sidecar, once sentry runs. */
  sidecar: (app: string) => Part;
  /** The app with what its sidecar lets others ask of it. */
  guarded: (app: App) => App;
};

const trustDomain = "localhost";
/** Sentry's own name, which tokens for it are made out to. */
const sentryId = `spiffe://${trustDomain}/ns/${namespace}/dapr-sentry`;

/**
 * Plans sentry, which gives every sidecar, placement and scheduler a certificate. By itself it would give anyone any
 * name; here it wants a token made out to that name, as a cluster's service accounts have. Keys, tokens and authority are
 * made anew at every start, in the instance's folder.
 */
export async function planMtls(instance: Instance, { sentry: command }: Dapr, apps: string[]): Promise<Mtls> {
  const { sentry: port, sentryHealth, sentryMetrics } = infraPorts(instance);
  const dir = join(instance.dir, "mtls");
  const authority = join(dir, "authority");
  const config = join(dir, "sentry.yaml");
  const anchors = join(authority, "ca.crt");
  const tokenOf = (id: string) => join(dir, `${id}.jwt`);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(authority, { recursive: true, mode: 0o700 });
  const source = await writeTokens(
    {
      "dapr-placement": trustDomain,
      "dapr-scheduler": trustDomain,
      ...Object.fromEntries(apps.map((id) => [id, "public"])),
    },
    tokenOf,
  );
  const mtls = { enabled: true, tokenValidators: [{ name: "jwks", options: { source } }] };
  const kind = { apiVersion: "dapr.io/v1alpha1", kind: "Configuration", metadata: { name: "sentry" } };
  writeFileSync(config, stringify({ ...kind, spec: { mtls } }));

  const local = ["", "healthz-", "metrics-"].map((part) => `--${part}listen-address=127.0.0.1`);
  const ports = [`--port=${port}`, `--healthz-port=${sentryHealth}`, `--metrics-port=${sentryMetrics}`];
  const own = [`--issuer-credentials=${authority}`, `--trust-domain=${trustDomain}`, `--config=${config}`];
  const address = `127.0.0.1:${port}`;
  const env = (id: string) => ({ DAPR_SENTRY_TOKEN_FILE: tokenOf(id), NAMESPACE: namespace });
  return {
    ports: { sentry: port, "sentry's health": sentryHealth, "sentry's metrics": sentryMetrics },
    check: { name: "sentry", ready: answersOk(`http://127.0.0.1:${sentryHealth}/healthz`) },
    spec: {
      name: "sentry",
      command,
      args: [...local, ...ports, ...own, "--log-level=warn", "--log-as-json"],
      cwd: instance.dir,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, NAMESPACE: namespace },
      rank: 1,
    },
    controlPlane: (id) => ({
      args: [
        ...["--tls-enabled", `--trust-domain=${trustDomain}`, `--trust-anchors-file=${anchors}`],
        `--sentry-address=${address}`,
        ...(id === "dapr-scheduler" ? [`--identity-directory-write=${join(dir, "scheduler")}`] : []),
      ],
      env: env(id),
    }),
    sidecar: (app) => ({
      args: ["--enable-mtls", "--sentry-address", address, "--control-plane-trust-domain", trustDomain],
      env: { ...env(app), DAPR_TRUST_ANCHORS: readFileSync(anchors, "utf8") },
    }),
    guarded: (app) => ({
      ...app,
      configFilePath: withAccess(app, apps, dir),
      resourcesPaths: [...(app.resourcesPaths ?? []), join(root, "components", "mtls")],
    }),
  };
}

/** Writes each name's token for sentry; gives the public key that they are verified with. */
async function writeTokens(names: Record<string, string>, pathOf: (id: string) => string): Promise<string> {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const kid = "sentry";
  for (const [id, domain] of Object.entries(names)) {
    const token = await new SignJWT()
      .setProtectedHeader({ alg: "EdDSA", kid })
      .setSubject(`spiffe://${domain}/ns/${namespace}/${id}`)
      .setAudience(sentryId)
      .setIssuedAt()
      .sign(privateKey);
    writeFileSync(pathOf(id), token, { mode: 0o600 });
  }
  return JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), kid, alg: "EdDSA", use: "sig" }] });
}

function withAccess({ appID, configFilePath }: App, apps: string[], dir: string): string {
  const base = configFilePath ? parse(readFileSync(configFilePath, "utf8")) : {};
  const path = join(dir, `${appID}.yaml`);
  writeFileSync(path, stringify({ ...base, spec: { ...base.spec, accessControl: accessControl(appID, apps) } }));
  return path;
}
