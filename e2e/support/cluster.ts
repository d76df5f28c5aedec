import { type Container, type Manifest, overlays, type Pod, rendered } from "./rendered.js";

/** The manifests of every overlay. */
export const all: Record<string, Manifest[]> = Object.fromEntries(
  await Promise.all(overlays.map(async (name) => [name, await rendered(name)] as const)),
);

export const ofKind = (overlay: string, kind: string) => all[overlay]!.filter((one) => one.kind === kind);
export const named = (overlay: string, kind: string, name: string) => {
  const found = ofKind(overlay, kind).find(({ metadata }) => metadata.name === name);
  if (!found) throw new Error(`${overlay} has no ${kind} ${name}`);
  return found;
};
export const podsOf = (overlay: string): [name: string, pod: Pod][] =>
  ["Deployment", "StatefulSet", "Job"].flatMap((kind) =>
    ofKind(overlay, kind).map(({ metadata, spec }) => [metadata.name, spec.template] as [string, Pod]),
  );
export const podOf = (overlay: string, app: string) => named(overlay, "Deployment", app).spec.template as Pod;
export const containerOf = (pod: Pod) => pod.spec.containers[0] as Container;
export const noteOf = (pod: Pod, name: string) => pod.metadata.annotations?.[`dapr.io/${name}`];

/** "ORDER_DATABASE=order-database:url,…" by variable. */
export const fromSecrets = (pod: Pod): Record<string, { name: string; key: string }> =>
  Object.fromEntries(
    (noteOf(pod, "env-from-secret") ?? "").split(",").map((part) => {
      const [, variable, name, key] = /^(\w+)=([\w-]+):([\w.-]+)$/.exec(part) ?? [];
      return [variable, { name: name!, key: key! }];
    }),
  );
