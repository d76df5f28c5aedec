import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { checkSpace } from "./dapr.js";
import { Refusal, type Say, ticking } from "./say.js";
import { run } from "./shell.js";

const neededGo = [1, 26] as const;

type Build = {
  say: Say;
  what: string;
  patience: string;
  cwd: string;
  /** Gigabytes that it takes, and the module by which one sees that the others are there already. */
  room: { module: string; cold: number; warm: number };
  args: string[];
};

/** Twelve letters that change with any file of a folder. */
export function fingerprint(folder: string): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(folder).sort()) hash.update(name).update(readFileSync(join(folder, name)));
  return hash.digest("hex").slice(0, 12);
}

/** Builds what the module in `cwd` pins; refuses, naming the cure, where Go, room or a module is missing. */
export async function goBuild({ say, what, patience, cwd, room, args }: Build): Promise<void> {
  await checkGo(what);
  await checkRoom(room, what);
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
  if (code !== 0) throw new Refusal(`${what} has to be built, and Go, which could build it, is missing: ${cure}`);
  if (!isNewEnough(output))
    throw new Refusal(`${what} has to be built, and ${output.trim()} is too old for it: ${cure}`);
}

/** True for "go1.26.3" and later. */
export function isNewEnough(version: string): boolean {
  const [, major = 0, minor = 0] = (/go(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  return major > neededGo[0] || (major === neededGo[0] && minor >= neededGo[1]);
}

async function checkRoom({ module, cold, warm }: Build["room"], what: string): Promise<void> {
  const { output } = await run("go", ["env", "GOMODCACHE", "GOCACHE"], { cwd: homedir() });
  const [modules = "", builds = ""] = output.trim().split("\n");
  const fetched = existsSync(join(modules, module));
  for (const dir of [modules, builds]) mkdirSync(dir, { recursive: true });
  checkSpace(builds, fetched ? warm : cold, `build ${what}`);
}

type Download = { Dir: string; Sum: string; Error?: string };

/** The folder of one module's sources, fetched when they are not there; refuses when they are not those of the checksum. */
export async function goModule(module: string, sum: string, say: Say): Promise<string> {
  await checkGo(module);
  const tick = ticking(say, () => `fetching ${module}`, 5);
  const { code, output } = await run("go", ["mod", "download", "-json", module], { cwd: homedir() });
  tick();
  const { Dir, Sum, Error: reason } = (code === 0 ? JSON.parse(output) : { Error: output.trim() }) as Partial<Download>;
  if (!Dir || Sum !== sum)
    throw new Refusal(
      `${module} could not be fetched (${reason ?? `its checksum is ${Sum}, not ${sum}`}): check that the Go module proxy ` +
        "(`go env GOPROXY`) can be reached, then run this again.",
    );
  return Dir;
}
