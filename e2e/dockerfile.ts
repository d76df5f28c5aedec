import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { root } from "../tools/instance.js";

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
  for (const { Name, BaseName, Commands } of Stages) {
    const base = images[BaseName];
    const image: Image = base
      ? { ...base, env: { ...base.env }, root: join(into, Name) }
      : { root: join(into, Name), workdir: "/", env: {}, command: [], health: [] };
    mkdirSync(image.root, { recursive: true });
    if (base) copy(base.root, image.root);
    images[Name] = image;
    for (const command of Commands) apply(image, command, images, Context);
  }
  return images;
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

/** By cp, and by links: what follows replaces files and does not write into them, and node_modules is large. */
function copy(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  const { status, stderr } = spawnSync("cp", ["-al", `${from}/.`, to], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

function run(image: Image, line: string): void {
  const { PATH, HOME } = process.env;
  // What this machine says of npm's registry and cache stays as it is.
  const npm = Object.entries(process.env).filter(([name]) => /^npm_config_/i.test(name) && !/prefix/i.test(name));
  const env = { PATH, HOME, ...Object.fromEntries(npm), npm_config_prefer_offline: "true", ...image.env };
  const cwd = join(image.root, image.workdir);
  const { status, stdout, stderr } = spawnSync("sh", ["-c", line], { cwd, env, encoding: "utf8" });
  if (status !== 0) throw new Error(`RUN ${line} ended with ${status}:\n${stdout}\n${stderr}`);
}
