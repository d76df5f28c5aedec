import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { cacheDir } from "../../tools/dapr.js";
import { root } from "../../tools/instance.js";

type Fields = {
  Path?: string;
  SourcePaths?: string[];
  DestPath?: string;
  From?: string;
  CmdLine?: string[];
  Env?: { Key: string; Value: string }[];
  User?: string;
  Health?: { Test: string[] };
};
type Stage = { Name: string; BaseName: string; Commands: { Name: string; Fields: Fields }[] };
/** What tools/deploy says of a Dockerfile. */
export type Dockerfile = { Warnings: string[]; Stages: Stage[]; Context: string[] };

/** An image as far as its files and settings go: `root` stands for its `/`, under which there is no base image. */
export type Image = {
  root: string;
  workdir: string;
  env: Record<string, string>;
  user?: string;
  command: string[];
  health: string[];
};

/**
 * Does on this machine what the Dockerfile says, instruction by instruction, each stage in a folder of its own. Only files
 * that .dockerignore lets through are there to be copied. A RUN is run by the shell in its stage's folder, with this machine's
 * Node and npm, so it must name nothing outside of WORKDIR.
 */
export function buildNatively({ Stages, Context }: Dockerfile, into: string): Record<string, Image> {
  const images: Record<string, Image> = {};
  const keys: Record<string, string> = {};
  for (const stage of Stages) {
    const { Name, BaseName, Commands } = stage;
    const base = images[BaseName];
    const image: Image = base
      ? { ...base, env: { ...base.env }, root: join(into, Name) }
      : { root: join(into, Name), workdir: "/", env: {}, command: [], health: [] };
    images[Name] = image;
    const key = keyOf(stage, keys[BaseName] ?? BaseName);
    if (key) keys[Name] = key;
    const kept = key && join(layers, key);
    const known = kept !== undefined && existsSync(kept);
    if (known) copy(kept, image.root);
    else if (base) copy(base.root, image.root);
    mkdirSync(image.root, { recursive: true });
    for (const command of Commands)
      if (!known || !writes.includes(command.Name)) apply(image, command, images, Context);
    if (kept && !known) keep(image.root, kept);
  }
  forget(Object.values(keys));
  return images;
}

const writes = ["COPY", "RUN"];
const layers = join(cacheDir(), "layers");

/**
 * What a stage's files follow from, where that is a few named files of ours and what stages like it made of theirs: as long as
 * these stay the same they are kept, as BuildKit keeps layers. Undefined for a stage with sources in it.
 */
function keyOf({ Commands }: Stage, base: string): string | undefined {
  const copied = Commands.filter(({ Name }) => Name === "COPY").map(({ Fields }) => Fields);
  const runs = Commands.some(({ Name }) => Name === "RUN");
  if (!runs || copied.some(({ From, SourcePaths }) => From || SourcePaths?.includes("."))) return undefined;
  const hash = createHash("sha256").update(JSON.stringify([process.version, process.arch, base, Commands]));
  for (const path of copied.flatMap(({ SourcePaths = [] }) => SourcePaths)) hash.update(readFileSync(join(root, path)));
  return hash.digest("hex").slice(0, 16);
}

function keep(made: string, kept: string): void {
  const half = `${kept}.${process.pid}`;
  copy(made, half);
  renameSync(half, kept);
}

function forget(needed: string[]): void {
  if (!existsSync(layers)) return;
  for (const name of readdirSync(layers)) if (!needed.includes(name)) rmSync(join(layers, name), { recursive: true });
}

function apply(
  image: Image,
  { Name, Fields }: Stage["Commands"][number],
  images: Record<string, Image>,
  sent: string[],
) {
  const inside = (path: string) => join(image.root, resolve(image.workdir, path));
  switch (Name) {
    case "WORKDIR":
      image.workdir = resolve(image.workdir, Fields.Path!);
      mkdirSync(inside("."), { recursive: true });
      return;
    case "ENV":
      for (const { Key, Value } of Fields.Env!) image.env[Key] = Value;
      return;
    case "COPY": {
      const { SourcePaths, DestPath, From } = Fields;
      const into = DestPath!.endsWith("/") || DestPath === ".";
      for (const source of SourcePaths!) {
        if (From) copyInto(join(images[From]!.root, source), inside(DestPath!), into);
        else fromContext(source, inside(DestPath!), sent);
      }
      return;
    }
    case "RUN":
      run(image, Fields.CmdLine!.join(" "));
      return;
    case "USER":
      image.user = Fields.User!;
      return;
    case "CMD":
      image.command = Fields.CmdLine!;
      return;
    case "HEALTHCHECK":
      image.health = Fields.Health!.Test;
      return;
    case "EXPOSE":
      return;
    default:
      throw new Error(`This builder does not know ${Name}.`);
  }
}

/** A folder's content, or a file, goes to or into the place. */
function copyInto(source: string, place: string, into: boolean): void {
  if (!existsSync(source)) throw new Error(`${source} is copied, and not there`);
  if (statSync(source).isDirectory()) copy(source, place);
  else cpSync(source, into ? join(place, source.slice(dirname(source).length + 1)) : place);
}

/** From the root of the project, what was sent of it. */
function fromContext(source: string, place: string, sent: string[]): void {
  const files = source === "." ? sent : sent.filter((name) => name === source || name.startsWith(`${source}/`));
  if (files.length === 0) throw new Error(`${source} is copied, and .dockerignore does not let it through`);
  for (const name of files) cpSync(join(root, name), join(place, name));
}

/** By links where that can be: what follows replaces files and does not write into them, and node_modules is large. */
function copy(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  const cp = (how: string) => spawnSync("cp", [how, `${from}/.`, to], { encoding: "utf8" });
  const linked = cp("-al");
  const { status, stderr } = linked.status === 0 ? linked : cp("-af");
  if (status !== 0) throw new Error(stderr);
}

function run(image: Image, line: string): void {
  const { PATH, HOME } = process.env;
  // What this machine says of npm's registry and cache stays as it is.
  const npm = Object.entries(process.env).filter(([name]) => /^npm_config_/i.test(name) && !/prefix/i.test(name));
  const env = { PATH, HOME, ...Object.fromEntries(npm), npm_config_prefer_offline: "true", ...image.env };
  const cwd = join(image.root, image.workdir);
  const since = Date.now();
  const { status, stdout, stderr } = spawnSync("sh", ["-c", line], { cwd, env, encoding: "utf8" });
  console.log(`RUN ${line.slice(0, 60)} … (${((Date.now() - since) / 1000).toFixed(1)} s)`);
  if (status !== 0) throw new Error(`RUN ${line} ended with ${status}:\n${stdout}\n${stderr}`);
}
