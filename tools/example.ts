import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { cacheDir } from "./dapr.js";
import { root } from "./instance.js";
import { Refusal, type Say, ticking } from "./say.js";
import { run } from "./shell.js";

/** Builds a Go program of examples/, and gives its path; Go itself knows what has changed since. */
export async function builtExample(name: string, say: Say): Promise<string> {
  const program = join(cacheDir(), "examples", name);
  mkdirSync(join(cacheDir(), "examples"), { recursive: true });
  const tick = ticking(say, () => `building examples/${name} with Go`);
  const { code, output } = await run("go", ["build", "-mod=readonly", "-trimpath", "-o", program, "."], {
    cwd: join(root, "examples", name),
    env: { ...process.env, CGO_ENABLED: "0" },
  });
  tick();
  if (code === 0) return program;
  throw new Refusal(
    `examples/${name} could not be built: install Go 1.26 or newer (https://go.dev/dl), check that the Go module proxy ` +
      `(\`go env GOPROXY\`) can be reached, then run this again.\n${output.slice(-1500)}`,
  );
}
