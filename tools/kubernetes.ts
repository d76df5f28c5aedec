import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cached } from "./cached.js";
import { RUNTIME } from "./dapr.js";
import { fingerprint, goBuild } from "./go.js";
import { root } from "./instance.js";
import type { Say } from "./say.js";

const sources = join(root, "tools", "kubernetes");

/** Each package and what `go build` calls the program that it makes of it. */
const packages = {
  etcd: ["go.etcd.io/etcd/server/v3", "server"],
  apiserver: ["k8s.io/kubernetes/cmd/kube-apiserver", "kube-apiserver"],
  controllers: ["k8s.io/kubernetes/cmd/kube-controller-manager", "kube-controller-manager"],
  kubectl: ["k8s.io/kubernetes/cmd/kubectl", "kubectl"],
  helm: ["helm.sh/helm/v3/cmd/helm", "helm"],
} as const;

type Programs = Record<keyof typeof packages, string>;

/** The paths of what a cluster without nodes is made of, built once from the modules that tools/kubernetes pins. */
export async function kubernetesPrograms(say: Say): Promise<Programs> {
  const [, version] = /k8s\.io\/kubernetes v(\S+)/.exec(readFileSync(join(sources, "go.mod"), "utf8"))!;
  const what = `etcd, Kubernetes ${version} and Helm`;
  const home = await cached({ name: `kubernetes-${fingerprint(sources)}`, what, say }, (into) =>
    goBuild({
      say,
      what,
      patience: "first time only, 5 to 15 minutes on two cores",
      cwd: sources,
      room: { module: `k8s.io/kube-controller-manager@v0${version?.slice(1)}`, cold: 6, warm: 4 },
      args: [
        ...["-ldflags", `-s -w -X k8s.io/component-base/version.gitVersion=v${version}`, "-o", `${into}/`],
        ...Object.values(packages).map(([name]) => name),
      ],
    }),
  );
  const paths = Object.entries(packages).map(([name, [, program]]) => [name, join(home, program)]);
  return Object.fromEntries(paths) as Programs;
}

/** Dapr's own sidecar injector, built once from the module that tools/dapr pins. */
export async function injectorProgram(say: Say): Promise<string> {
  const what = `Dapr's injector ${RUNTIME}`;
  const home = await cached({ name: `injector-${RUNTIME}`, what, say }, (into) =>
    goBuild({
      say,
      what,
      patience: "first time only, 1 to 6 minutes on two cores",
      cwd: join(root, "tools", "dapr"),
      room: { module: `github.com/dapr/dapr@v${RUNTIME}`, cold: 4, warm: 2 },
      args: [
        ...["-ldflags", `-s -w -X github.com/dapr/dapr/pkg/buildinfo.version=${RUNTIME}`],
        ...["-o", `${into}/`, "github.com/dapr/dapr/cmd/injector"],
      ],
    }),
  );
  return join(home, "injector");
}
