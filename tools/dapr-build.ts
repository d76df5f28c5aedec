import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { CLI, checkSpace, RUNTIME, runtimePrograms } from "./dapr.js";
import { root } from "./instance.js";
import { Refusal, type Say, ticking } from "./say.js";
import { run } from "./shell.js";

const neededGo = [1, 26] as const;

/** Builds the runtime from the Go modules that tools/dapr pins, into `.dapr`'s shape. */
export async function buildRuntime(into: string, say: Say): Promise<void> {
  const out = join(into, "bin");
  mkdirSync(out, { recursive: true });
  await build({
    say,
    what: `Dapr ${RUNTIME}`,
    patience: "first time only, 10 to 20 minutes on two cores",
    cwd: join(root, "tools", "dapr"),
    module: `github.com/dapr/dapr@v${RUNTIME}`,
    args: [
      ...["-tags", "allcomponents", "-ldflags", `-s -w -X github.com/dapr/dapr/pkg/buildinfo.version=${RUNTIME}`],
      ...["-o", `${out}/`, ...runtimePrograms.map((name) => `github.com/dapr/dapr/cmd/${name}`)],
    ],
  });
}

export async function buildCli(into: string, say: Say): Promise<void> {
  await build({
    say,
    what: `the Dapr CLI ${CLI}`,
    patience: "first time only, 4 to 8 minutes on two cores",
    cwd: join(root, "tools", "dapr", "cli"),
    module: `github.com/dapr/cli@v${CLI}`,
    args: [
      "-ldflags",
      `-s -w -X main.version=${CLI} -X main.apiVersion=1.0`,
      "-o",
      join(into, "dapr"),
      "github.com/dapr/cli",
    ],
  });
}

type Build = { say: Say; what: string; patience: string; cwd: string; module: string; args: string[] };

async function build({ say, what, patience, cwd, module, args }: Build): Promise<void> {
  await checkGo(what);
  await checkRoom(module, what);
  let modules = 0;
  let packages = 0;
  const tick = ticking(say, () => `building ${what}: ${modules} modules fetched, ${packages} packages compiled`, 15);
  say(`Building ${what} with Go (${patience}) …`);
  const onLine = (line: string) => {
    if (line.startsWith("go: downloading ")) modules += 1;
    else if (/^[\w.-]+(\/[\w.~-]+)*$/.test(line)) packages += 1;
  };
  const env = { ...process.env, CGO_ENABLED: "0" };
  const { code, output } = await run("go", ["build", "-v", "-mod=readonly", "-trimpath", ...args], {
    cwd,
    env,
    onLine,
  });
  tick();
  if (code === 0) return;
  throw new Refusal(
    `Building ${what} failed: check that the Go module proxy (\`go env GOPROXY\`) can be reached, then run this again; ` +
      `what was built so far is kept.\n${output.trim().split("\n").slice(-15).join("\n")}`,
  );
}

async function checkGo(what: string): Promise<void> {
  // Not inside the module: there an older Go would first fetch a newer one.
  const { code, output } = await run("go", ["env", "GOVERSION"], { cwd: homedir() });
  const wanted = `${neededGo.join(".")} or newer`;
  const cure = `install Go ${wanted} (https://go.dev/dl) or ${what} itself, then run this again.`;
  if (code !== 0)
    throw new Refusal(`${what} could not be downloaded, and Go, which could build it, is missing: ${cure}`);
  if (!isNewEnough(output))
    throw new Refusal(`${what} could not be downloaded, and ${output.trim()} is too old to build it: ${cure}`);
}

/** True for "go1.26.3" and later. */
export function isNewEnough(version: string): boolean {
  const [, major = 0, minor = 0] = (/go(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  return major > neededGo[0] || (major === neededGo[0] && minor >= neededGo[1]);
}

async function checkRoom(module: string, what: string): Promise<void> {
  const { output } = await run("go", ["env", "GOMODCACHE", "GOCACHE"], { cwd: homedir() });
  const [modules = "", builds = ""] = output.trim().split("\n");
  const cold = !existsSync(join(modules, module));
  for (const dir of [modules, builds]) mkdirSync(dir, { recursive: true });
  checkSpace(builds, cold ? 12 : 4, `build ${what}`);
}
