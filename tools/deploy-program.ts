import { join } from "node:path";
import { cached } from "./cached.js";
import { fingerprint, goBuild, goModule } from "./go.js";
import { root } from "./instance.js";
import { Refusal, type Say } from "./say.js";
import { run } from "./shell.js";

const sources = join(root, "tools", "deploy");

/** Compose's, BuildKit's and Kustomize's own reading of our files (tools/deploy), built once for each state of its sources. */
export async function deployProgram(say: Say): Promise<string> {
  const home = await cached(
    { name: `deploy-${fingerprint(sources)}`, proof: "deploy", what: "tools/deploy", say },
    (into) =>
      goBuild({
        say,
        what: "tools/deploy, which reads Dockerfile, compose file and manifests",
        patience: "first time only, 1 to 4 minutes on two cores",
        cwd: sources,
        room: { module: "github.com/moby/buildkit@v0.28.0", cold: 2, warm: 1 },
        args: ["-ldflags", "-s -w", "-o", join(into, "deploy"), "."],
      }),
  );
  return join(home, "deploy");
}

/** What the program says; refuses with its own words. */
export async function asked(program: string, args: string[], cwd: string, env = process.env): Promise<string> {
  const { code, output } = await run(program, args, { cwd, env });
  if (code !== 0) throw new Refusal(output.trim());
  return output;
}

/** Where the schemas of manifests come from: modules that hold them as files, of which nothing is built. */
const schemaModules = {
  kubernetes: ["k8s.io/kubernetes@v1.34.1", "h1:F3p8dtpv+i8zQoebZeK5zBqM1g9x1aIdnA5vthvcuUk="],
  dapr: ["github.com/dapr/dapr@v1.18.2", "h1:yT1BXImaUiYtIKaKVnOBiWVFqQU1ckQaiXkXEO2+Dh0="],
  keda: ["github.com/kedacore/keda/v2@v2.18.0", "h1:ttR223fii/4QJ0YvtrhcWHaEoezByb/t5CeFopjl6EI="],
  cloudnativePg: [
    "github.com/cloudnative-pg/cloudnative-pg@v1.27.1",
    "h1:w+bbtXyEPoaa7sZGXxbb8qJ+/bUGWQ3M48kbNUEpKlk=",
  ],
} as const;

export function schemaModule(name: keyof typeof schemaModules, say: Say): Promise<string> {
  const [module, sum] = schemaModules[name];
  return goModule(module, sum, say);
}
