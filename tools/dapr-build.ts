import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { CLI, RUNTIME, runtimePrograms } from "./dapr.js";
import { goBuild } from "./go.js";
import { root } from "./instance.js";
import type { Say } from "./say.js";

/** Builds the runtime from the Go modules that tools/dapr pins, into `.dapr`'s shape. */
export async function buildRuntime(into: string, say: Say): Promise<void> {
  const out = join(into, "bin");
  mkdirSync(out, { recursive: true });
  await goBuild({
    say,
    what: `Dapr ${RUNTIME}`,
    patience: "first time only, 10 to 20 minutes on two cores",
    cwd: join(root, "tools", "dapr"),
    room: { module: `github.com/dapr/dapr@v${RUNTIME}`, cold: 12, warm: 4 },
    args: [
      ...["-tags", "allcomponents", "-ldflags", `-s -w -X github.com/dapr/dapr/pkg/buildinfo.version=${RUNTIME}`],
      ...["-o", `${out}/`, ...runtimePrograms.map((name) => `github.com/dapr/dapr/cmd/${name}`)],
    ],
  });
}

export async function buildCli(into: string, say: Say): Promise<void> {
  await goBuild({
    say,
    what: `the Dapr CLI ${CLI}`,
    patience: "first time only, 4 to 8 minutes on two cores",
    cwd: join(root, "tools", "dapr", "cli"),
    room: { module: `github.com/dapr/cli@v${CLI}`, cold: 12, warm: 4 },
    args: [
      "-ldflags",
      `-s -w -X main.version=${CLI} -X main.apiVersion=1.0`,
      "-o",
      join(into, "dapr"),
      "github.com/dapr/cli",
    ],
  });
}
