import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { Consumer } from "../contracts/admin.js";
import { accessControl } from "../tools/access.js";
import { manifests as secretManifests } from "../tools/container-secrets.js";
import { schemaModule } from "../tools/deploy-program.js";
import { aloud } from "../tools/say.js";
import {
  appIds,
  apps,
  type Component,
  type Container,
  common,
  components,
  type Manifest,
  madeUp,
  manifestsIn,
  neededBy,
  overlays,
  type Pod,
  read,
  rendered,
} from "./rendered.js";
import { manifestSchemas } from "./schemas.js";

let all: Record<string, Manifest[]>;
let wrongWith: (manifest: Manifest) => string[];
let ourSecrets: Manifest[];
/** What others bring to a cluster, as docs/deploy.md lists it. */
const brought: Record<string, string[]> = {
  local: [],
  production: ["kafka-ca", "orders-postgres-superuser", "orders-tls", ...Consumer.options.map((app) => `${app}-kafka`)],
};

beforeAll(async () => {
  wrongWith = await manifestSchemas();
  all = Object.fromEntries(await Promise.all(overlays.map(async (name) => [name, await rendered(name)] as const)));
  const folder = mkdtempSync(join(tmpdir(), "orders-secrets-"));
  ourSecrets = manifestsIn(secretManifests(madeUp(folder), appIds, { host: "postgres", sslmode: "disable" }));
  rmSync(folder, { recursive: true });
});

const ofKind = (overlay: string, kind: string) => all[overlay]!.filter((one) => one.kind === kind);
const named = (overlay: string, kind: string, name: string) => {
  const found = ofKind(overlay, kind).find(({ metadata }) => metadata.name === name);
  if (!found) throw new Error(`${overlay} has no ${kind} ${name}`);
  return found;
};
const podsOf = (overlay: string): [name: string, pod: Pod][] =>
  ["Deployment", "StatefulSet", "Job"].flatMap((kind) =>
    ofKind(overlay, kind).map(({ metadata, spec }) => [metadata.name, spec.template] as [string, Pod]),
  );
const podOf = (overlay: string, app: string) => named(overlay, "Deployment", app).spec.template as Pod;
const containerOf = (pod: Pod) => pod.spec.containers[0] as Container;
const noteOf = (pod: Pod, name: string) => pod.metadata.annotations?.[`dapr.io/${name}`];

/** "ORDER_DATABASE=order-database:url,…" by variable. */
const fromSecrets = (pod: Pod): Record<string, { name: string; key: string }> =>
  Object.fromEntries(
    (noteOf(pod, "env-from-secret") ?? "").split(",").map((part) => {
      const [, variable, name, key] = /^(\w+)=([\w-]+):([\w.-]+)$/.exec(part) ?? [];
      return [variable, { name: name!, key: key! }];
    }),
  );

test("the overlays are those that are described", () => {
  expect(overlays).toEqual(Object.keys(brought));
});

describe.each(overlays)("%s", (overlay) => {
  test("every manifest is what Kubernetes, Dapr and the operators accept, without a field that they do not know", () => {
    const wrong = all[overlay]!.flatMap((one) =>
      wrongWith(one).map((what) => `${one.kind} ${one.metadata.name}: ${what}`),
    );
    expect(wrong).toEqual([]);
  });

  test("everything is in the namespace that access control speaks of, and nothing is there twice", () => {
    const cluster = all[overlay]!.filter(({ metadata }) => metadata.namespace !== "orders");
    expect(cluster.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual(["Namespace orders"]);
    const names = all[overlay]!.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(names.length).toBe(new Set(names).size);
  });

  test.each(apps)("$appID runs and is looked after as in dapr.yaml", ({ appID, appPort, command }) => {
    const pod = podOf(overlay, appID);
    const { env = [], ports, ...container } = containerOf(pod);
    expect(container.command).toEqual(command);
    expect(ports?.[0]?.containerPort).toBe(appPort);
    expect(env.find(({ name }) => name === "APP_PORT")?.value).toBe(String(appPort));
    const notes = {
      enabled: "true",
      "app-id": appID,
      "app-port": String(appPort),
      config: appID,
      // On Kafka: every-service.yaml says why.
      "enable-app-health-check": "false",
      "log-level": common.logLevel,
    };
    for (const [name, value] of Object.entries(notes)) expect(noteOf(pod, name), name).toBe(value);
    expect(container.livenessProbe?.httpGet.path).toBe("/healthz");
    expect(container.readinessProbe?.httpGet.path).toBe("/readyz");
  });

  test("every annotation is one that Dapr's injector reads", async () => {
    const source = join(await schemaModule("dapr", aloud), "pkg", "injector", "annotations", "annotations.go");
    const known = [...readFileSync(source, "utf8").matchAll(/"(dapr\.io\/[\w-]+)"/g)].map(([, name]) => name);
    for (const app of appIds)
      for (const name of Object.keys(podOf(overlay, app).metadata.annotations ?? {}))
        if (name.startsWith("dapr.io/")) expect(known).toContain(name);
  });

  test("who is told to stop: the gateway's notice is over first, then its sidecar leaves, then its service, all within the grace", () => {
    for (const app of appIds) {
      const pod = podOf(overlay, app);
      expect(noteOf(pod, "enable-native-sidecar")).toBeUndefined();
      const block = Number.parseInt(noteOf(pod, "block-shutdown-duration")!, 10);
      const left = block + Number(noteOf(pod, "graceful-shutdown-seconds"));
      const seconds = (name: string) => Number(containerOf(pod).env?.find((one) => one.name === name)?.value);
      if (app === "api-gateway") expect(block).toBeGreaterThan(seconds("NOTICE_SECONDS"));
      expect(seconds("DRAIN_SECONDS")).toBeGreaterThan(left);
      expect(pod.spec.terminationGracePeriodSeconds).toBeGreaterThan(5 + seconds("DRAIN_SECONDS"));
    }
  });

  test("who may ask whom is what npm start -- --mtls says", () => {
    for (const app of appIds)
      expect(named(overlay, "Configuration", app).spec.accessControl).toEqual(accessControl(app, appIds, "orders"));
    expect(named(overlay, "WorkflowAccessPolicy", "sagas").scopes).toEqual(["order"]);
  });

  test("components, scopes, topics and policies are those of npm start, on Kafka", () => {
    const kafka = new Map<string, Partial<Component["spec"]>>();
    for (const component of components()) {
      const { spec, scopes } = named(overlay, "Component", component.metadata.name) as Component;
      expect(scopes).toEqual(component.scopes);
      expect(spec.type).toBe(component.spec.type);
      const isPubsub = component.metadata.name === "pubsub";
      if (isPubsub) kafka.set(overlay, spec);
      // How the broker is reached is the overlay's to say; all else is not.
      const same = (items: Component["spec"]["metadata"]) =>
        items.filter(({ name }) => !isPubsub || !/^(authType|caCert|client(Cert|Key))$/.test(name));
      expect(same(spec.metadata)).toEqual(same(component.spec.metadata));
    }
    expect(ofKind(overlay, "Component").length).toBe(components().length);
    for (const name of ["services", "gateway"]) {
      const file = name === "services" ? "components/resiliency.yaml" : "components/resiliency-gateway.yaml";
      expect(named(overlay, "Resiliency", name).spec).toEqual(manifestsIn(read(file))[0]?.spec);
    }
    expect(kafka.get(overlay)?.metadata?.find(({ name }) => name === "authType")?.value).toBe(
      overlay === "local" ? "none" : "mtls",
    );
    // Apps tell Dapr by code what they hear.
    expect(ofKind(overlay, "Subscription")).toEqual([]);
  });

  test("each sidecar has the secrets that its components ask for, and no other app's", () => {
    const mtls = overlay === "production" ? ["KAFKA_CA", "KAFKA_CERT", "KAFKA_KEY"] : [];
    for (const app of appIds) {
      const pod = podOf(overlay, app);
      expect(noteOf(pod, "env")).toMatch(/^KAFKA_BROKERS=[\w.-]+:\d+$/);
      const its = [...Object.keys(fromSecrets(pod)), "KAFKA_BROKERS"].filter((name) => name !== "USER_JWT_KEYS");
      const hears = Consumer.options.some((one) => one === app);
      expect(its.sort(), app).toEqual([...new Set([...neededBy(app), "KAFKA_BROKERS", ...(hears ? mtls : [])])].sort());
      expect("USER_JWT_KEYS" in fromSecrets(pod)).toBe(app === "user");
      for (const [variable, { name }] of Object.entries(fromSecrets(pod)))
        expect(name, variable).toBe(variable.startsWith("KAFKA_CA") ? "kafka-ca" : ownSecret(app, variable));
    }
  });

  test("every secret that is referred to is made by npm run secrets, or brought by others and listed", () => {
    expect(ofKind(overlay, "Secret")).toEqual([]);
    const made = new Set(
      ourSecrets.flatMap(({ metadata, stringData }) =>
        Object.keys(stringData!).map((key) => `${metadata.name}:${key}`),
      ),
    );
    const outside = new Set<string>();
    const look = (name: string, key: string) => {
      if (!made.has(`${name}:${key}`)) outside.add(name);
    };
    for (const [, pod] of podsOf(overlay)) {
      for (const { name, key } of Object.values(noteOf(pod, "env-from-secret") ? fromSecrets(pod) : {}))
        look(name, key);
      for (const note of ["api-token-secret", "app-token-secret"])
        if (noteOf(pod, note)) look(noteOf(pod, note)!, "token");
      for (const { valueFrom } of pod.spec.containers.flatMap(({ env = [] }) => env))
        if (valueFrom?.secretKeyRef) look(valueFrom.secretKeyRef.name, valueFrom.secretKeyRef.key);
    }
    for (const { spec } of ofKind(overlay, "Ingress")) for (const { secretName } of spec.tls) outside.add(secretName);
    expect([...outside].sort()).toEqual([...brought[overlay]!].sort());
    for (const one of ourSecrets) expect(wrongWith(one)).toEqual([]);
  });

  test("service and sidecar know each other by the same two secrets", () => {
    for (const app of appIds) {
      const pod = podOf(overlay, app);
      const env = Object.fromEntries(containerOf(pod).env?.map((one) => [one.name, one.valueFrom?.secretKeyRef]) ?? []);
      expect(env.DAPR_API_TOKEN).toEqual({ name: noteOf(pod, "api-token-secret"), key: "token" });
      expect(env.APP_API_TOKEN).toEqual({ name: noteOf(pod, "app-token-secret"), key: "token" });
      expect([env.DAPR_API_TOKEN?.name, env.APP_API_TOKEN?.name]).toEqual([`${app}-api-token`, `${app}-app-token`]);
    }
  });

  test("no pod is root, may become it, writes its image, or has a token of Kubernetes", () => {
    for (const [name, { spec }] of podsOf(overlay)) {
      expect(spec.automountServiceAccountToken, name).toBe(false);
      expect(spec.securityContext, name).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: "RuntimeDefault" },
      });
      for (const { securityContext, image, resources } of spec.containers) {
        const walls = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
        expect(securityContext, name).toMatchObject(
          name === "kafka" ? walls : { ...walls, readOnlyRootFilesystem: true },
        );
        expect(image, name).toMatch(/:[\w.-]+$/);
        expect(resources?.requests, name).toMatchObject({ cpu: expect.any(String), memory: expect.any(String) });
        expect(resources?.limits?.memory, name).toBeTruthy();
      }
    }
    for (const app of appIds) expect(podOf(overlay, app).spec.serviceAccountName).toBe(app);
    const { labels } = named(overlay, "Namespace", "orders").metadata as { labels?: Record<string, string> };
    expect(labels?.["pod-security.kubernetes.io/enforce"]).toBe("restricted");
  });

  test("network: deny all, then each sidecar's door to those who may ask, databases and broker to those who need them", () => {
    expect(named(overlay, "NetworkPolicy", "deny-all").spec).toEqual({
      podSelector: {},
      policyTypes: ["Ingress", "Egress"],
    });
    for (const app of appIds) {
      const callers: string[] = accessControl(app, appIds).policies.map(({ appId }) => appId);
      if (app === "order") callers.push(app);
      const door = ofKind(overlay, "NetworkPolicy").find(({ metadata }) => metadata.name === `${app}-sidecar`);
      const from: { podSelector: { matchLabels: Record<string, string> } }[] = door?.spec.ingress[0].from ?? [];
      expect(from.map(({ podSelector }) => podSelector.matchLabels["app.kubernetes.io/name"]).sort()).toEqual(
        callers.sort(),
      );
      const { labels } = podOf(overlay, app).metadata;
      expect(labels["needs-kafka"], app).toBe(Consumer.options.some((one) => one === app) ? "true" : undefined);
      expect(labels["needs-postgres"], app).toBe("true");
    }
    const ports = (policy: string) => named(overlay, "NetworkPolicy", policy).spec;
    expect(ports("public").ingress).toEqual([{ ports: [{ port: 8080 }] }]);
    const pod = podOf(overlay, "order");
    const metrics = containerOf(pod).env?.find(({ name }) => name === "METRICS_PORT")?.value;
    expect(ports("metrics").ingress[0].ports).toEqual([
      { port: Number(metrics) },
      { port: Number(noteOf(pod, "metrics-port")) },
    ]);
    const broker = Number(noteOf(pod, "env")?.split(":").at(-1));
    expect(ports("to-kafka").egress[0].ports).toEqual([{ port: broker }]);
    // Whatever a policy lets in or out by label is somebody.
    const labelled = podsOf(overlay).map(([, { metadata }]) => metadata.labels);
    const foreign = [
      {
        "cnpg.io/cluster": named(overlay, "NetworkPolicy", "postgres").spec.podSelector.matchLabels["cnpg.io/cluster"],
      },
    ];
    for (const { metadata, spec } of ofKind(overlay, "NetworkPolicy"))
      for (const selector of [spec.podSelector, ...peersOf(spec)].map((one) => one?.matchLabels ?? {}))
        expect(
          [...labelled, ...foreign].some((labels) =>
            Object.entries(selector).every(([key, value]) => (labels as Record<string, unknown>)[key] === value),
          ),
          `${metadata.name} ${JSON.stringify(selector)}`,
        ).toBe(true);
  });

  test("the settings' table and every database are made by the same SQL as in compose", () => {
    const map = ofKind(overlay, "ConfigMap").find(({ metadata }) => metadata.name.startsWith("databases"));
    expect(map?.data?.["databases.sql"]).toBe(read("deploy/postgres/databases.sql"));
    const asks = [...read("deploy/postgres/databases.sql").matchAll(/\\getenv \w+ (\w+)/g)].map(([, name]) => name);
    const env = containerOf(named(overlay, "Job", "databases").spec.template).env?.map(({ name }) => name);
    expect(env).toEqual(expect.arrayContaining(asks));
  });

  test("every pod but the jobs' may be moved without all of its kind being away", () => {
    for (const app of appIds) {
      const { spec } = named(overlay, "PodDisruptionBudget", app);
      expect(spec).toMatchObject({ maxUnavailable: 1, selector: { matchLabels: { "app.kubernetes.io/name": app } } });
    }
  });
});

function peersOf(spec: { ingress?: { from?: Peer[] }[]; egress?: { to?: Peer[] }[] }) {
  const peers = [
    ...(spec.ingress ?? []).flatMap(({ from = [] }) => from),
    ...(spec.egress ?? []).flatMap(({ to = [] }) => to),
  ];
  return peers.filter(({ podSelector }) => podSelector).map(({ podSelector }) => podSelector);
}
type Peer = { podSelector?: { matchLabels: Record<string, string> } };

function ownSecret(app: string, variable: string): string {
  if (variable === "USER_JWT_KEYS") return "user-jwt-keys";
  if (variable.startsWith("KAFKA_")) return `${app}-kafka`;
  return `${variable.replace("_DATABASE", "").toLowerCase()}-database`;
}

describe("production", () => {
  test("who hears events follows its consumer group, which Dapr names as the app; the others follow their CPU", () => {
    const scaled = ofKind("production", "ScaledObject");
    expect(scaled.map(({ metadata }) => metadata.name).sort()).toEqual([...Consumer.options].sort());
    for (const { metadata, spec } of scaled) {
      expect(spec.scaleTargetRef.name).toBe(metadata.name);
      expect(spec.triggers[0].metadata).toMatchObject({
        consumerGroup: metadata.name,
        bootstrapServers: noteOf(podOf("production", metadata.name), "env")?.replace("KAFKA_BROKERS=", ""),
      });
      expect(named("production", "TriggerAuthentication", spec.triggers[0].authenticationRef.name)).toBeTruthy();
    }
    const cpu = ofKind("production", "HorizontalPodAutoscaler").map(({ metadata }) => metadata.name);
    expect([...scaled.map(({ metadata }) => metadata.name), ...cpu].sort()).toEqual([...appIds].sort());
    for (const app of appIds) expect(named("production", "Deployment", app).spec.replicas).toBeUndefined();
  });

  test("the most replicas together open no more connections than PostgreSQL takes", () => {
    const most: Record<string, number> = {};
    for (const { metadata, spec } of ofKind("production", "HorizontalPodAutoscaler"))
      most[metadata.name] = spec.maxReplicas;
    for (const { metadata, spec } of ofKind("production", "ScaledObject")) most[metadata.name] = spec.maxReplicaCount;
    const pools = components().filter(({ spec }) => spec.type.endsWith(".postgresql"));
    const open = pools.flatMap(({ spec, scopes }) => {
      const size = Number(spec.metadata.find(({ name }) => name === "maxConns")?.value);
      return scopes!.map((app) => size * most[app]!);
    });
    const { max_connections } = named("production", "Cluster", "orders-postgres").spec.postgresql.parameters;
    expect(open.reduce((sum, one) => sum + one)).toBeLessThanOrEqual(Number(max_connections) - 8);
  });

  test("there are no demo accounts", () => {
    const env = (overlay: string) =>
      containerOf(podOf(overlay, "user")).env?.find(({ name }) => name === "SEED_DEMO")?.value;
    expect([env("local"), env("production")]).toEqual(["true", undefined]);
  });

  test("its job and its services speak to the server of the cluster that it makes", () => {
    const { env } = containerOf(named("production", "Job", "databases").spec.template);
    const host = env?.find(({ name }) => name === "PGHOST")?.value;
    expect(host).toBe(`${named("production", "Cluster", "orders-postgres").metadata.name}-rw`);
  });
});
