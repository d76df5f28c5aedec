import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { asked } from "../../tools/deploy-program.js";
import { instanceOf, portOf, root } from "../../tools/instance.js";
import { kubernetesPrograms } from "../../tools/kubernetes.js";
import { checkPorts } from "../../tools/ports.js";
import type { ProcessManager } from "../../tools/process-manager.js";
import { allReady } from "../../tools/ready.js";
import { aloud, silent } from "../../tools/say.js";
import type { Manifest } from "./rendered.js";

// A Kubernetes of the test's own: a real etcd, API server and controllers, and no node, so that pods are made and never run.

const programs = await kubernetesPrograms(aloud);
export const instance = instanceOf({ portBase: portOf(process.env.PORT_BASE, 18080) });
export const home = join(instance.dir, "kubernetes");
export const portAt = (port: number) => port + instance.offset;
const ports = { etcd: portAt(2379), "etcd's peers": portAt(2380), "Kubernetes' API server": portAt(6443) };
const server = `https://127.0.0.1:${portAt(6443)}`;

/** Only what makes pods of workloads, and what makes and ends their namespace. */
const makesPods = ["deployment", "replicaset", "statefulset", "job"];
const keepsHouse = ["namespace", "serviceaccount", "garbage-collector", "persistentvolumeclaim-protection"];
const controllers = [...makesPods, ...keepsHouse].map((name) => `${name}-controller`).join(",");

/** A file in the run's own folder; gives its path. */
export function file(name: string, content: string | object): string {
  const path = join(home, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content), { mode: 0o600 });
  return path;
}

/** What a client needs to be whom the token names. */
export const kubeconfig = (name: string, token: string): string =>
  file(`${name}.json`, {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server, "certificate-authority": join(home, "tls", "apiserver.crt") } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  });

/** Starts it with keys and tokens that are made for it; ready when it returns. */
export async function startControlPlane(processes: ProcessManager): Promise<void> {
  await checkPorts(ports, instance.portBase);
  mkdirSync(home, { mode: 0o700 });
  const [admin, manager] = [randomBytes(24).toString("base64url"), randomBytes(24).toString("base64url")];
  const role = "system:kube-controller-manager";
  const tokens = file("tokens.csv", `${admin},admin,admin,system:masters\n${manager},${role},${role}\n`);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = file("service-accounts.pem", privateKey.export({ type: "sec1", format: "pem" }).toString());
  kubeconfig("admin", admin);

  const etcd = `http://127.0.0.1:${ports.etcd}`;
  const peers = `http://127.0.0.1:${ports["etcd's peers"]}`;
  const start = (name: string, rank: number, command: string, args: string[]) =>
    processes.start({ name, rank, command, args, cwd: home, env: { PATH: process.env.PATH } });
  start("etcd", 1, programs.etcd, [
    ...[`--data-dir=${join(home, "etcd")}`, "--unsafe-no-fsync", "--log-level=warn"],
    ...[`--listen-client-urls=${etcd}`, `--advertise-client-urls=${etcd}`],
    ...[`--listen-peer-urls=${peers}`, `--initial-advertise-peer-urls=${peers}`, `--initial-cluster=default=${peers}`],
  ]);
  start("apiserver", 2, programs.apiserver, [
    ...[`--etcd-servers=${etcd}`, `--secure-port=${portAt(6443)}`, `--cert-dir=${join(home, "tls")}`],
    ...["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none"],
    ...[`--token-auth-file=${tokens}`, "--authorization-mode=RBAC", "--service-cluster-ip-range=10.0.0.0/24"],
    ...["--service-account-issuer=https://kubernetes.default.svc", `--service-account-key-file=${key}`],
    `--service-account-signing-key-file=${key}`,
  ]);
  const ready = async () => (await kubectl("get", "--raw", "/readyz")) === "ok";
  await allReady([{ name: "apiserver", ready }], processes, silent);
  // As in a cluster each controller has an account of its own: Dapr's injector listens to these, and not to everyone.
  start("controllers", 3, programs.controllers, [
    ...[`--kubeconfig=${kubeconfig("controllers", manager)}`, "--leader-elect=false", "--secure-port=0"],
    ...["--use-service-account-credentials", `--service-account-private-key-file=${key}`],
    `--controllers=${controllers}`,
  ]);
}

// Their own home: what they keep for later is not for the user's next cluster.
const env = () => ({ PATH: process.env.PATH, HOME: home, KUBECONFIG: join(home, "admin.json") });

/** What kubectl says as the administrator; refuses with its own words. */
export const kubectl = (...args: string[]): Promise<string> => asked(programs.kubectl, args, root, env());
export const helm = (...args: string[]): Promise<string> => asked(programs.helm, args, root, env());

/** A manifest as it is in the cluster. */
export type Found = Manifest & { metadata: { labels: Record<string, string>; resourceVersion: string } };

export async function found(...what: string[]): Promise<Found[]> {
  return JSON.parse(await kubectl("get", ...what, "--output=json")).items;
}
