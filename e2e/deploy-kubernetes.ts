import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { Consumer } from "../contracts/admin.js";
import { accessControl } from "../tools/access.js";
import { schemaModule } from "../tools/deploy-program.js";
import { aloud } from "../tools/say.js";
import { all, containerOf, named, noteOf, ofKind, podOf } from "./support/cluster.js";
import {
  appIds,
  apps,
  type Component,
  common,
  components,
  type Manifest,
  manifestsIn,
  overlays,
  read,
} from "./support/rendered.js";
import { manifestSchemas } from "./support/schemas.js";

let wrongWith: (manifest: Manifest) => string[];
beforeAll(async () => {
  wrongWith = await manifestSchemas();
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

describe("production", () => {
  test("the images are of this version, and the gateway takes the Ingress's word for who asks", () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8"));
    for (const app of appIds) expect(containerOf(podOf("production", app)).image).toMatch(new RegExp(`:${version}$`));
    expect(named("production", "Ingress", "api-gateway")).toBeTruthy();
    const { env } = containerOf(podOf("production", "api-gateway"));
    expect(env).toContainEqual({ name: "TRUST_PROXY", value: "true" });
  });

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
