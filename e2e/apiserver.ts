import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { manifests as secretsFor } from "../tools/container-secrets.js";
import { schemaModule } from "../tools/deploy-program.js";
import { type ProcessManager, processManager } from "../tools/process-manager.js";
import { reset } from "../tools/reset.js";
import { aloud } from "../tools/say.js";
import { all, named, noteOf, podOf, podsOf } from "./support/cluster.js";
import { type Found, file, found, instance, kubectl, startControlPlane } from "./support/control-plane.js";
import { installDapr } from "./support/injector.js";
import { appIds, apps, type Container, common, madeUp, neededBy, overlays } from "./support/rendered.js";

// What a real API server, the real controllers and Dapr's own injector make of deploy/kubernetes.

let processes: ProcessManager;

beforeAll(async () => {
  await reset(instance);
  processes = processManager(instance.dir);
  await startControlPlane(processes);
  await installDapr(processes);
  const [keda, cloudnativePg] = await Promise.all([schemaModule("keda", aloud), schemaModule("cloudnativePg", aloud)]);
  for (const operator of [keda, cloudnativePg])
    await kubectl("apply", "--server-side", `--filename=${join(operator, "config/crd/bases")}`);
});
afterAll(async () => {
  await processes.close();
  await reset(instance);
});

const patience = { timeout: 60_000, interval: 500 };
const inOrders = "--namespace=orders";
const podsNow = () => found("pods", inOrders);
const workloadOf = ({ metadata }: Found) => metadata.labels["app.kubernetes.io/name"] as string;

async function podNow(workload: string): Promise<Found> {
  const pod = (await podsNow()).find((one) => workloadOf(one) === workload);
  if (!pod) throw new Error(`${workload} has no pod`);
  return pod;
}

/** Each object's number, which is another after every change. */
async function versions(manifests: string): Promise<Record<string, string>> {
  const objects = await found(manifests);
  return Object.fromEntries(
    objects.map(({ kind, metadata }) => [`${kind} ${metadata.name}`, metadata.resourceVersion]),
  );
}

/** What docs/deploy.md has one bring before an overlay: its namespace, and the secrets that the project makes. */
async function prepare(overlay: string): Promise<void> {
  const own = { host: "postgres", sslmode: "disable" };
  const folder = mkdtempSync(join(tmpdir(), "orders-secrets-"));
  const server = overlay === "local" ? own : { host: "orders-postgres-rw", sslmode: "require" };
  const secrets = file("secrets.yaml", secretsFor(madeUp(folder), appIds, server));
  rmSync(folder, { recursive: true });
  await kubectl("apply", "--filename=deploy/kubernetes/base/namespace.yaml", "--warnings-as-errors");
  await kubectl("apply", inOrders, `--filename=${secrets}`, "--warnings-as-errors");
}

test("the definitions of Dapr's, KEDA's and CloudNativePG's kinds are in force", async () => {
  const said = await kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s");
  for (const name of ["components.dapr.io", "scaledobjects.keda.sh", "clusters.postgresql.cnpg.io"])
    expect(said).toContain(`customresourcedefinition.apiextensions.k8s.io/${name} condition met`);
});

describe.each(overlays)("%s", (overlay) => {
  const manifests = `--kustomize=deploy/kubernetes/overlays/${overlay}`;
  const apply = (...how: string[]) => kubectl("apply", manifests, "--warnings-as-errors", ...how);
  beforeAll(() => prepare(overlay));
  afterAll(() => kubectl("delete", "namespace", "orders", "--timeout=60s"));

  test("everything is accepted without a warning", async () => {
    expect((await apply()).trim().split("\n")).toHaveLength(all[overlay]!.length);
  });

  test("every workload gets a pod, which Pod Security lets in with its sidecar", async () => {
    const wanted = podsOf(overlay).map(([name]) => name);
    const made = async () => ({
      pods: [...new Set((await podsNow()).map(workloadOf))].sort(),
      warnings: await kubectl("events", inOrders, "--types=Warning"),
    });
    const well = { pods: wanted.sort(), warnings: "No events found in orders namespace.\n" };
    await vi.waitFor(async () => expect(await made()).toEqual(well), patience);
  });

  test.each([
    ["as kubectl does by itself", []],
    ["merged by the server, as those have it who follow a repository", ["--server-side", "--force-conflicts"]],
  ])("applied again nothing changes: %s", async (_, how) => {
    await apply(...how);
    // Controllers may not have said all they have to say of what is new.
    await vi.waitFor(async () => {
      const before = await versions(manifests);
      expect(Object.keys(before)).toHaveLength(all[overlay]!.length);
      await apply(...how);
      expect(await versions(manifests)).toEqual(before);
    }, patience);
  });

  test.each(apps)(
    "$appID's pod is the service and a sidecar that know each other, and nobody's token for Kubernetes",
    async ({ appID, appPort }) => {
      const { spec } = await podNow(appID);
      const [app, sidecar] = [containerIn(spec, "app"), containerIn(spec, "daprd")];
      const flags = flagsOf(sidecar);
      const note = (name: string) => noteOf(podOf(overlay, appID), name);
      expect(flags).toMatchObject({
        "app-id": appID,
        "app-port": String(appPort),
        config: appID,
        "log-level": common.logLevel,
        "dapr-block-shutdown-duration": note("block-shutdown-duration"),
        "dapr-graceful-shutdown-seconds": note("graceful-shutdown-seconds"),
        "disable-builtin-k8s-secret-store": true,
        "enable-mtls": true,
      });
      expect(flags).not.toHaveProperty("enable-app-health-check");
      expect(envOf(app)).toMatchObject({
        DAPR_HTTP_PORT: flags["dapr-http-port"],
        DAPR_GRPC_PORT: flags["dapr-grpc-port"],
      });
      const [told, its] = [envOf(app), envOf(sidecar)];
      for (const name of ["APP_API_TOKEN", "DAPR_API_TOKEN"])
        expect([told[name], told[name]]).toEqual([its[name], expect.anything()]);
      expect(Object.keys(its)).toEqual(expect.arrayContaining(neededBy(appID)));
      expect(spec.serviceAccountName).toBe(appID);
      expect(spec.volumes.map(({ name }: { name: string }) => name)).toEqual(["dapr-identity-token"]);
    },
  );

  test("sidecars may reach Dapr where its chart puts it, each other's doors, and be asked for metrics", async () => {
    const services = await found("services", "--namespace=dapr-system");
    const policy = (name: string) => named(overlay, "NetworkPolicy", name).spec;
    const out: number[] = policy("dapr-control-plane").egress[0].ports.map(({ port }: { port: number }) => port);
    const flags = flagsOf(containerIn((await podNow("order")).spec, "daprd"));
    for (const part of ["sentry", "control-plane", "placement-host", "scheduler-host"]) {
      const [host, port] = String(flags[`${part}-address`]).split(":");
      const { spec } = services.find(({ metadata }) => host === `${metadata.name}.dapr-system.svc.cluster.local`)!;
      expect(out, part).toContain(spec.ports.find((one: { port: number }) => one.port === Number(port)).targetPort);
    }
    expect(policy("sidecars").egress[0].ports).toEqual([{ port: Number(flags["dapr-internal-grpc-port"]) }]);
    expect(policy("metrics").ingress[0].ports).toContainEqual({ port: Number(flags["metrics-port"]) });
  });

  test.each(appIds)("the account of %s may ask Kubernetes who it is, and nothing else", async (app) => {
    const whose = [inOrders, `--as=system:serviceaccount:orders:${app}`];
    const list = await kubectl("auth", "can-i", "--list", "--no-headers", ...whose);
    const resources = list.split("\n").flatMap((line) => /^[a-z]\S*/.exec(line) ?? []);
    expect(resources.sort()).toEqual([
      "selfsubjectaccessreviews.authorization.k8s.io",
      "selfsubjectreviews.authentication.k8s.io",
      "selfsubjectrulesreviews.authorization.k8s.io",
    ]);
  });

  describe("what is wrong is refused", () => {
    const { spec } = podOf(overlay, "order");
    const root = { ...spec, securityContext: { ...spec.securityContext, runAsNonRoot: false, runAsUser: 0 } };
    const pod = (change: object) => ({ apiVersion: "v1", kind: "Pod", spec: { ...spec, ...change } });
    const changed = (kind: string, name: string, change: object) => {
      const { apiVersion, spec } = named(overlay, kind, name);
      return { apiVersion, kind, spec: { ...spec, ...change } };
    };
    const deployment = (change: object) => changed("Deployment", "order", change);
    const component = (change: object) => changed("Component", "pubsub", change);
    const configuration = (change: object) => changed("Configuration", "order", change);
    const tried = (manifest: object) => {
      const path = file("tried.json", { ...manifest, metadata: { name: "tried", namespace: "orders" } });
      return kubectl("create", "--dry-run=server", "--warnings-as-errors", `--filename=${path}`);
    };

    test.each([
      ["a pod that runs as root", pod(root), /forbidden: violates PodSecurity "restricted:latest": .*runAsNonRoot/],
      ["a pod on the node's network", pod({ hostNetwork: true }), /violates PodSecurity .*host namespaces/],
      [
        "pods as root in a workload",
        deployment({ template: { ...podOf(overlay, "order"), spec: root } }),
        /would violate PodSecurity/,
      ],
      ["a misspelt field in a workload", deployment({ replica: 2 }), /unknown field "spec.replica"/],
      ["a misspelt field in a component", component({ versions: "v1" }), /unknown field "spec.versions"/],
      ["a misspelt field in a configuration", configuration({ tracings: {} }), /unknown field "spec.tracings"/],
    ])("%s", async (_, manifest, reason) => {
      await expect(tried(manifest)).rejects.toThrow(reason);
    });

    test("and nothing else in them is", async () => {
      for (const manifest of [pod({}), deployment({}), component({}), configuration({})]) await tried(manifest);
    });
  });
});

const containerIn = (spec: Found["spec"], name: string): Container =>
  spec.containers.find((one: Container) => one.name === name);

/** "--app-id", "order", "--log-as-json" as { "app-id": "order", "log-as-json": true }. */
function flagsOf({ args = [] }: Container): Record<string, string | true> {
  const flags: Record<string, string | true> = {};
  for (const [at, arg] of args.entries()) {
    const next = args[at + 1];
    if (arg.startsWith("--")) flags[arg.slice(2)] = next === undefined || next.startsWith("--") ? true : next;
  }
  return flags;
}

const envOf = ({ env = [] }: Container) =>
  Object.fromEntries(env.map(({ name, value, valueFrom }) => [name, value ?? valueFrom?.secretKeyRef]));
