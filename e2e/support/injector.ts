import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ensureDapr, RUNTIME } from "../../tools/dapr.js";
import { schemaModule } from "../../tools/deploy-program.js";
import { infraPorts } from "../../tools/instance.js";
import { injectorProgram } from "../../tools/kubernetes.js";
import { checkPorts } from "../../tools/ports.js";
import type { ProcessManager } from "../../tools/process-manager.js";
import { allReady, answersOk } from "../../tools/ready.js";
import { aloud, Refusal, silent } from "../../tools/say.js";
import { run } from "../../tools/shell.js";
import { file, found, helm, home, instance, kubeconfig, kubectl, portAt } from "./control-plane.js";
import { type Container, read } from "./rendered.js";

// Dapr, installed with its own chart as docs/deploy.md says. Of its pods, which no node runs, two are processes of this
// machine, with their pod's account, arguments and environment: sentry, and the injector that the API server asks.

const inDapr = "--namespace=dapr-system";
const { sentry: command } = await ensureDapr({ say: aloud });
const injector = await injectorProgram(aloud);
const { sentry, sentryHealth, sentryMetrics } = infraPorts(instance);
const ports = { injector: portAt(4000), "injector's health": portAt(4001), "injector's metrics": portAt(4002) };

/** A command as the document has it, without its name. */
function documented(start: string): string[] {
  const lines = read("docs/deploy.md").replaceAll("\\\n", " ").split("\n");
  const line = lines.find((one) => one.startsWith(start));
  if (!line) throw new Error(`docs/deploy.md does not say "${start} …"`);
  return line.replace(/ # .*/, "").trim().split(/\s+/).slice(1);
}

/** Ready when pods are injected. */
export async function installDapr(processes: ProcessManager): Promise<void> {
  const sentrys = { sentry, "sentry's health": sentryHealth, "sentry's metrics": sentryMetrics };
  await checkPorts({ ...sentrys, ...ports }, instance.portBase);
  const chart = join(await schemaModule("dapr", aloud), "charts", "dapr");
  const install = documented("helm install dapr").map((word) => (word === "dapr/dapr" ? chart : word));
  await helm(...install, `--set=global.tag=${RUNTIME}`);
  await startSentry(processes);
  await startInjector(processes);
}

async function startSentry(processes: ProcessManager): Promise<void> {
  const { args, env } = await partOf("sentry");
  const own = [`--port=${sentry}`, `--healthz-port=${sentryHealth}`, `--metrics-port=${sentryMetrics}`];
  // Its keys are in the cluster; it wants a folder to watch all the same.
  const issuer = join(home, "issuer");
  mkdirSync(issuer);
  const account = kubeconfig("sentry", await kubectl("create", "token", "dapr-sentry", inDapr));
  const where = [`--kubeconfig=${account}`, `--issuer-credentials=${issuer}`, "--listen-address=127.0.0.1"];
  processes.start({ name: "sentry", rank: 4, command, args: [...args, ...own, ...where], cwd: home, env });
  const ready = answersOk(`http://127.0.0.1:${sentryHealth}/healthz`);
  await allReady([{ name: "sentry", ready }], processes, silent);
}

async function startInjector(processes: ProcessManager): Promise<void> {
  const { code, output } = await run("unshare", [...ownMounts, "true"]);
  if (code !== 0)
    throw new Refusal(
      `The injector needs mounts of its own, and gets none here (${output.trim()}): run this on Linux, as root or with ` +
        "user namespaces allowed (sysctl kernel.unprivileged_userns_clone=1).",
    );
  const { name, args, env } = await partOf("sidecar-injector");
  const [port, health, metrics] = Object.values(ports);
  const account = kubeconfig("injector", await kubectl("create", "token", "dapr-injector", inDapr));
  const own = [`--port=${port}`, `--healthz-port=${health}`, `--metrics-port=${metrics}`, `--kubeconfig=${account}`];
  const whom = ["--bound-object-kind=Pod", `--bound-object-name=${name}`];
  const audience = "--audience=spiffe://cluster.local/ns/dapr-system/dapr-sentry";
  const token = file("injector.jwt", await kubectl("create", "token", "dapr-injector", inDapr, audience, ...whom));
  const anchors = await kubectl("get", "configmap", "dapr-trust-bundle", inDapr, "--output=jsonpath={.data.ca\\.crt}");
  const where = { DAPR_TRUST_ANCHORS_FILE: file("trust.pem", anchors), DAPR_SENTRY_ADDRESS: `127.0.0.1:${sentry}` };
  processes.start({
    ...{ name: "injector", rank: 4, cwd: home, env: { ...env, ...where } },
    command: "unshare",
    args: [...ownMounts, "sh", "-c", withToken, token, injector, ...args, ...own],
  });
  // What a node's network would do: the chart's service leads to this process.
  const spec = { type: "ExternalName", externalName: "localhost", ports: null };
  await kubectl("patch", "service", "dapr-sidecar-injector", inDapr, "--type=merge", patch({ spec }));
  const at = [{ op: "replace", path: "/webhooks/0/clientConfig/service/port", value: port }];
  await kubectl("patch", "mutatingwebhookconfiguration", "dapr-sidecar-injector", "--type=json", patch(at));
  await allReady([{ name: "injector", ready: injects }], processes, silent);
}

const ownMounts = ["--mount", "--map-root-user"];
// Without a token at its place in the file system, which only this process sees, sidecars would be left without theirs.
const withToken = `
  mount -t tmpfs none /var/run && mkdir -p /var/run/secrets/dapr.io/sentrytoken &&
  cp "$0" /var/run/secrets/dapr.io/sentrytoken/token && exec "$@"`;

const patch = (change: object) => `--patch=${JSON.stringify(change)}`;

/** Tries it on a pod that is never made. */
async function injects(): Promise<boolean> {
  const metadata = { name: "probe", annotations: { "dapr.io/enabled": "true", "dapr.io/app-id": "probe" } };
  const spec = { containers: [{ name: "app", image: "probe" }] };
  const probe = file("probe.json", { apiVersion: "v1", kind: "Pod", metadata, spec });
  return (await kubectl("create", "--dry-run=server", "--output=json", `--filename=${probe}`)).includes('"daprd"');
}

/** A part of Dapr: its pod's name, and what the pod's one container is told. */
async function partOf(part: string) {
  const which = [inDapr, `--selector=app=dapr-${part}`];
  await kubectl("wait", "--for=create", "pod", ...which, "--timeout=60s");
  const [pod] = await found("pods", ...which);
  const [{ args, env }] = pod!.spec.containers as [Required<Container>];
  // It refuses to be root in a cluster; whoever runs this may be.
  const ours = { PATH: process.env.PATH, DAPR_UNSAFE_SKIP_CONTAINER_UID_GID_CHECK: "true" };
  const told = Object.fromEntries(env.map(({ name, value }) => [name, value ?? "dapr-system"]));
  return { name: pod!.metadata.name, args, env: { ...ours, ...told } };
}
