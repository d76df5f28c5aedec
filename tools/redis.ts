import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installed } from "./debian.js";
import type { Instance } from "./instance.js";
import { infraPorts } from "./instance.js";
import { listening } from "./ports.js";
import type { Spec } from "./process-manager.js";
import { redis } from "./redis-client.js";
import type { Say } from "./say.js";

/** The Redis that already runs where the default instance looks for it, else one of our own. */
export async function redisOf(instance: Instance, say: Say): Promise<{ port: number; spec?: Spec }> {
  const port = infraPorts(instance).redis;
  if (await usesForeignRedis(instance)) {
    await warnWhenForgetful(port, say);
    writeFileSync(foreignMark(instance), String(port));
    return { port };
  }
  const command = await ownServer(say);
  const data = join(instance.dir, "redis");
  mkdirSync(data, { recursive: true });
  const settings = {
    bind: "127.0.0.1",
    port: String(port),
    dir: data,
    appendonly: "yes",
    appendfsync: "always",
    save: "",
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  return {
    port,
    spec: { name: "redis", command, args, cwd: "/", env: { PATH: process.env.PATH }, rank: 1, graceMs: 20_000 },
  };
}

async function usesForeignRedis(instance: Instance): Promise<boolean> {
  if (instance.offset !== 0 || process.env.ORDERS_REDIS === "own") return false;
  return answers(infraPorts(instance).redis);
}

export async function answers(port: number): Promise<boolean> {
  if (!(await listening(port))) return false;
  return redis(port, ["PING"]).then(
    (reply) => reply === "PONG",
    () => false,
  );
}

const foreignMark = ({ dir }: Instance) => join(dir, "foreign-redis");

/** Deletes our topics from a Redis that is not ours, if one was used; gives their names. */
export async function forgetStreams(instance: Instance, isOurs: (key: string) => boolean): Promise<string[]> {
  const mark = foreignMark(instance);
  const port = infraPorts(instance).redis;
  if (!existsSync(mark) || !(await answers(port))) return [];
  const ours = (await streams(port)).filter(isOurs);
  if (ours.length > 0) await redis(port, ["UNLINK", ...ours]);
  return ours;
}

async function streams(port: number): Promise<string[]> {
  const found = new Set<string>();
  let cursor = "0";
  do {
    const [next, keys] = (await redis(port, ["SCAN", cursor, "TYPE", "stream", "COUNT", "1000"])) as [string, string[]];
    for (const key of keys) found.add(key);
    cursor = next;
  } while (cursor !== "0");
  return [...found];
}

async function warnWhenForgetful(port: number, say: Say): Promise<void> {
  const setting = async (name: string) => ((await redis(port, ["CONFIG", "GET", name])) as string[])[1];
  const kept = await Promise.all([setting("appendonly"), setting("appendfsync")]).catch(() => []);
  if (kept[0] === "yes" && kept[1] === "always") return;
  say(
    `Warning: the Redis on port ${port} may forget messages when it crashes (it does not run with appendonly yes and ` +
      "appendfsync always); orders still end correctly, but later.",
  );
}

const ownServer = (say: Say): Promise<string> =>
  installed(
    {
      command: "redis-server",
      packages: ["redis-server"],
      service: "redis-server",
      otherwise:
        "install it (for example `sudo apt-get install redis-server` or `brew install redis`) or start a Redis on port 6379, then run this again.",
    },
    say,
  );
