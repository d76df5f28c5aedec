import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { accessControl } from "./access.js";
import { appIds } from "./dapr-file.js";
import { root } from "./instance.js";

/** Where deploy/kubernetes puts everything. */
const namespace = "orders";
const nameOf = (app: string) => ({ "app.kubernetes.io/name": app });

/**
 * What a cluster is told of who may ask whom, as YAML: of each app Dapr's Configuration, that of `npm start` without its way
 * to find names, and a NetworkPolicy for its sidecar's door. Replicas of the order service carry each other's sagas.
 */
export function clusterAccess(): string {
  const apps = appIds(join(root, "dapr.yaml"));
  const { nameResolution: _, ...common } = parse(readFileSync(join(root, "components", "config.yaml"), "utf8")).spec;
  const resources = apps.flatMap((app) => {
    const access = accessControl(app, apps, namespace);
    const callers = [...new Set([...access.policies.map(({ appId }) => appId), ...(app === "order" ? [app] : [])])];
    const metadata = { name: app };
    const configuration = {
      apiVersion: "dapr.io/v1alpha1",
      kind: "Configuration",
      metadata,
      spec: { ...common, accessControl: access },
    };
    const door = {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name: `${app}-sidecar` },
      spec: {
        podSelector: { matchLabels: nameOf(app) },
        policyTypes: ["Ingress"],
        ingress: [
          { from: callers.map((name) => ({ podSelector: { matchLabels: nameOf(name) } })), ports: [{ port: 50002 }] },
        ],
      },
    };
    return callers.length > 0 ? [configuration, door] : [configuration];
  });
  return `# Made by \`npm run docs\` from contracts/ and components/config.yaml.\n${resources.map((one) => stringify(one, { lineWidth: 120, aliasDuplicateObjects: false })).join("---\n")}`;
}
