import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { writeEnvFiles } from "../../tools/container-secrets.js";
import { asked, deployProgram } from "../../tools/deploy-program.js";
import { root } from "../../tools/instance.js";
import { aloud } from "../../tools/say.js";
import { type Secrets, secretsOf } from "../../tools/secrets.js";
import type { Dockerfile } from "./dockerfile.js";

export const read = (path: string): string => readFileSync(join(root, path), "utf8");

type App = { appID: string; appPort: number; command: string[]; env?: Record<string, string> };
type DaprFile = { common: Record<string, string | number | boolean>; apps: App[] };
/** The system as dapr.yaml has it, which everything else must agree with. */
export const { apps, common } = parse(read("dapr.yaml")) as DaprFile;
export const appIds = apps.map(({ appID }) => appID);

export type ComposeService = {
  image: string;
  build?: { target: string };
  command: string[] | null;
  entrypoint: string[] | null;
  environment?: Record<string, string | null>;
  network_mode?: string;
  networks?: Record<string, unknown>;
  depends_on?: Record<string, { condition: string }>;
  ports?: { host_ip?: string; target: number; published: string }[];
  volumes?: { type: string; source: string; target: string; read_only?: boolean }[];
  cap_drop?: string[];
  security_opt?: string[];
  read_only?: boolean;
  profiles?: string[];
};
export type Compose = { services: Record<string, ComposeService> };

/** Secrets of a test's own, as `npm run secrets` makes them. */
export const madeUp = (dir: string): Secrets => secretsOf(dir, appIds);

type Composed = { project: Compose; secrets: Secrets };

/** docker-compose.yml as Compose reads it, with secrets made up for it: every value is the file's own or a secret's. */
export async function compose(profiles: string[], { withSecrets = true } = {}): Promise<Composed> {
  const folder = mkdtempSync(join(tmpdir(), "orders-compose-"));
  try {
    for (const name of ["docker-compose.yml", "Dockerfile", "components", "deploy"])
      symlinkSync(join(root, name), join(folder, name));
    const secrets = madeUp(join(folder, "made"));
    if (withSecrets) writeEnvFiles(join(folder, ".secrets"), secrets, appIds, { host: "postgres", sslmode: "disable" });
    const args = ["compose", join(folder, "docker-compose.yml"), ...profiles];
    const answer = await asked(await deployProgram(aloud), args, folder, { PATH: process.env.PATH });
    return { project: JSON.parse(answer), secrets };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export async function dockerfile(): Promise<Dockerfile> {
  return JSON.parse(await asked(await deployProgram(aloud), ["dockerfile", root], root));
}

type EnvVar = {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef?: { name: string; key: string }; configMapKeyRef?: { name: string; key: string } };
};
export type Container = {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: EnvVar[];
  ports?: { containerPort: number }[];
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  securityContext?: Record<string, unknown>;
  readinessProbe?: { httpGet: { path: string } };
  livenessProbe?: { httpGet: { path: string } };
};
export type Pod = {
  metadata: { labels: Record<string, string>; annotations?: Record<string, string> };
  spec: {
    serviceAccountName?: string;
    automountServiceAccountToken?: boolean;
    securityContext?: Record<string, unknown>;
    terminationGracePeriodSeconds?: number;
    containers: Container[];
  };
};
/** A manifest; of `spec` each test knows what it looks at. */
export type Manifest = {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  // biome-ignore lint/suspicious/noExplicitAny: it is as different as the kinds are.
  spec: any;
  scopes?: string[];
  data?: Record<string, string>;
  stringData?: Record<string, string>;
};

export const manifestsIn = (yaml: string): Manifest[] =>
  parseAllDocuments(yaml).map((document) => document.toJS() as Manifest);

export const overlays = readdirSync(join(root, "deploy", "kubernetes", "overlays"));

/** The manifests of an overlay, as Kustomize puts them together. */
export async function rendered(overlay: string): Promise<Manifest[]> {
  const folder = join(root, "deploy", "kubernetes", "overlays", overlay);
  return manifestsIn(await asked(await deployProgram(aloud), ["kustomize", folder], root));
}

type Item = { name: string; value?: string; secretKeyRef?: { name: string } };
export type Component = Omit<Manifest, "spec"> & { spec: { type: string; metadata: Item[] } };

/** The components of `npm start`, on Kafka. */
export function components(): Component[] {
  const files = ["components", "components/kafka"].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => `${folder}/${name}`),
  );
  const yaml = files.filter((path) => path.endsWith(".yaml"));
  return yaml.flatMap((path) => manifestsIn(read(path))).filter(({ kind }) => kind === "Component") as Component[];
}

/** What an app's components ask its sidecar's environment for; mail is sent where there is a server, else not. */
export function neededBy(app: string): string[] {
  const its = components().filter(({ scopes }) => scopes?.includes(app));
  const refs = its.flatMap(({ spec }) => spec.metadata).flatMap(({ secretKeyRef }) => secretKeyRef?.name ?? []);
  return [...new Set(refs)].filter((name) => !name.startsWith("SMTP_")).sort();
}
