import { mkdirSync, rmSync, statfsSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { buildCli, buildRuntime } from "./dapr-build.js";
import { downloadCli, downloadRuntime } from "./dapr-download.js";
import { oneAtATime } from "./lock.js";
import { Refusal, type Say } from "./say.js";
import { isExecutable, run, which } from "./shell.js";

export const RUNTIME = "1.18.2";
export const CLI = "1.16.5";
export const runtimePrograms = ["daprd", "placement", "scheduler", "sentry"] as const;
type Program = (typeof runtimePrograms)[number];

/** Where the pinned Dapr is. `runtimePath` is what the CLI calls DAPR_RUNTIME_PATH: the folder that holds `.dapr/bin`. */
export type Dapr = Record<Program, string> & { cli?: string; runtimePath: string };

/** Finds the pinned Dapr, or brings it: from its release when that can be downloaded, else built from its Go modules. */
export async function ensureDapr({ needCli = false, say }: { needCli?: boolean; say: Say }): Promise<Dapr> {
  const runtime = (await runtimeInstalled()) ?? (await runtimeCached(say));
  return needCli ? { ...runtime, cli: (await cliInstalled()) ?? (await cliCached(say)) } : runtime;
}

export function cacheDir(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "orders-on-dapr");
}

const home = () => join(cacheDir(), `dapr-${RUNTIME}`);

function programsIn(bin: string): Record<Program, string> {
  return Object.fromEntries(runtimePrograms.map((name) => [name, join(bin, name)])) as Record<Program, string>;
}

const complete = (bin: string) => Object.values(programsIn(bin)).every(isExecutable);

async function runtimeInstalled(): Promise<Dapr | undefined> {
  const onPath = which("daprd");
  const bins = [...(onPath ? [dirname(onPath)] : []), join(homedir(), ".dapr", "bin")];
  for (const bin of bins) {
    if (complete(bin) && (await versionOf(join(bin, "daprd"))) === RUNTIME)
      return { ...programsIn(bin), runtimePath: pathForCli(bin) };
  }
  return undefined;
}

/** The version a program reports when asked, without a leading v. */
export async function versionOf(program: string): Promise<string | undefined> {
  const { code, output } = await run(program, ["--version"]);
  return code === 0 ? parseVersion(output) : undefined;
}

export function parseVersion(output: string): string | undefined {
  return /\bv?(\d+\.\d+\.\d+(?:-[\w.]+)?)\b/.exec(output)?.[1];
}

// The CLI looks for its runtime in `.dapr/bin` only: programs from elsewhere get links there.
function pathForCli(bin: string): string {
  if (bin.endsWith(join(".dapr", "bin"))) return dirname(dirname(bin));
  const linked = join(cacheDir(), "linked");
  const target = join(linked, ".dapr", "bin");
  mkdirSync(target, { recursive: true });
  for (const name of runtimePrograms) {
    rmSync(join(target, name), { force: true });
    symlinkSync(join(bin, name), join(target, name));
  }
  return linked;
}

async function runtimeCached(say: Say): Promise<Dapr> {
  const bin = join(home(), ".dapr", "bin");
  const found = () => complete(bin);
  if (!found())
    await bring(
      { what: `Dapr ${RUNTIME}`, found, to: join(home(), ".dapr"), download: downloadRuntime, build: buildRuntime },
      say,
    );
  return { ...programsIn(bin), runtimePath: home() };
}

async function cliInstalled(): Promise<string | undefined> {
  const found = which("dapr");
  return found && (await versionOf(found)) === CLI ? found : undefined;
}

async function cliCached(say: Say): Promise<string> {
  const cli = join(home(), "bin", "dapr");
  const found = () => isExecutable(cli);
  if (!found())
    await bring(
      { what: `the Dapr CLI ${CLI}`, found, to: join(home(), "bin"), download: downloadCli, build: buildCli },
      say,
    );
  return cli;
}

type Fetch = (into: string, say: Say) => Promise<void>;
type Download = (into: string, say: Say) => Promise<boolean>;
type Wanted = { what: string; found: () => boolean; to: string; download: Download; build: Fetch };

async function bring({ what, found, to, download, build }: Wanted, say: Say): Promise<void> {
  mkdirSync(home(), { recursive: true });
  checkSpace(cacheDir(), 1.5, `unpack ${what}`);
  await oneAtATime(`${home()}.lock`, what, say, async (into) => {
    if (found()) return;
    say(`${what} is not installed: fetching it once into ${home()} …`);
    if (!(await download(into, say))) await build(into, say);
    return to;
  });
}

/** Refuses when the file system of a folder has less than so many gigabytes left. */
export function checkSpace(dir: string, gigabytes: number, purpose: string): void {
  const { bavail, bsize } = statfsSync(dir);
  const free = (bavail * bsize) / 2 ** 30;
  if (free >= gigabytes) return;
  throw new Refusal(
    `Only ${free.toFixed(1)} GB are free where ${dir} lies, and it takes ${gigabytes} GB to ${purpose}: free some space ` +
      "(or point XDG_CACHE_HOME, GOCACHE and GOMODCACHE to another disk), then run this again.",
  );
}
