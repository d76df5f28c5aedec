import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { Consumer } from "../contracts/admin.js";
import { accessControl } from "../tools/access.js";
import { manifests } from "../tools/container-secrets.js";
import { containerOf, fromSecrets, named, noteOf, ofKind, podOf, podsOf } from "./support/cluster.js";
import { appIds, type Manifest, madeUp, manifestsIn, neededBy, overlays } from "./support/rendered.js";
import { manifestSchemas } from "./support/schemas.js";

// Who may know, reach and do what in a cluster.

let wrongWith: (manifest: Manifest) => string[];
let ourSecrets: Manifest[];
/** What others bring to a cluster, as docs/deploy.md lists it. */
const brought: Record<string, string[]> = {
  local: [],
  production: ["kafka-ca", "orders-postgres-superuser", "orders-tls", ...Consumer.options.map((app) => `${app}-kafka`)],
};

beforeAll(async () => {
  wrongWith = await manifestSchemas();
  const folder = mkdtempSync(join(tmpdir(), "orders-secrets-"));
  ourSecrets = manifestsIn(manifests(madeUp(folder), appIds, { host: "postgres", sslmode: "disable" }));
  rmSync(folder, { recursive: true });
});

test("the overlays are those that are described", () => {
  expect(overlays).toEqual(Object.keys(brought));
});

describe.each(overlays)("%s", (overlay) => {
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
        const hardened = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
        expect(securityContext, name).toMatchObject(
          name === "kafka" ? hardened : { ...hardened, readOnlyRootFilesystem: true },
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
