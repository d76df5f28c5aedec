import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { databases } from "../tools/databases.js";
import { infraPorts, instanceOf } from "../tools/instance.js";
import { redis } from "../tools/redis-client.js";
import { databasesOf } from "./databases.js";
import { redisInfo } from "./metrics.js";
import { filesOf, memoryOf } from "./usage.js";

export type Sample = Record<string, number>;

const mb = 1024 * 1024;

/** Takes the figures of a running system: by name, in MB, rows or files. */
export function sampler(which: { portBase: number; dir: string }, roots: () => Record<string, number>) {
  const instance = instanceOf(which);
  const ports = infraPorts(instance);
  const { ask, close } = databasesOf(which);

  async function tables(database: string): Promise<Sample> {
    type Table = { name: string; bytes: string; dead: string };
    const found = await ask<Table>(
      database,
      `SELECT relname AS name, pg_total_relation_size(relid) AS bytes, n_dead_tup AS dead
       FROM pg_stat_user_tables WHERE relname IN ('state', 'workflow_state', 'configuration')`,
    );
    return Object.fromEntries(
      found.flatMap(({ name, bytes, dead }) => [
        [`${database} ${name} bytes`, Number(bytes) / mb],
        [`${database} ${name} dead rows`, Number(dead)],
      ]),
    );
  }

  async function kinds(database: string): Promise<Sample> {
    if (database === "configuration") return {};
    const found = await ask<{ kind: string; rows: string }>(
      database,
      "SELECT split_part(key, ':', 1) AS kind, count(*) AS rows FROM state GROUP BY 1",
    );
    return Object.fromEntries(
      found.map(({ kind, rows }) => [`${database} ${kind} rows`.replace("order order", "order"), Number(rows)]),
    );
  }

  async function others(): Promise<Sample> {
    const [workflow] = await ask<{ rows: string }>("order", "SELECT count(*) AS rows FROM workflow_state");
    const [lapsed] = await ask<{ rows: string }>(
      "inventory",
      "SELECT count(*) AS rows FROM state WHERE starts_with(key, 'hold:') AND value->>'status' = 'lapsed'",
    );
    const [connections] = await ask<{ rows: string }>("order", "SELECT count(*) AS rows FROM pg_stat_activity");
    return {
      "workflow rows": Number(workflow?.rows),
      "inventory lapsed rows": Number(lapsed?.rows),
      "postgres connection files": Number(connections?.rows),
    };
  }

  async function broker(): Promise<Sample> {
    const say = (...command: string[]) => redis(ports.redis, command);
    const [, streams] = (await say("SCAN", "0", "TYPE", "stream", "COUNT", "10000")) as [string, string[]];
    const lengths = await Promise.all(streams.map((stream) => say("XLEN", stream)));
    const info = await redisInfo(ports.redis, "memory", "persistence");
    const field = (name: string) => Number(info[name] ?? 0) / mb;
    return {
      "redis entries": lengths.reduce<number>((sum, length) => sum + Number(length), 0),
      "redis data bytes": field("used_memory"),
      "redis file bytes": field("aof_current_size"),
    };
  }

  /** The scheduler's store answers as any etcd does. */
  async function reminders(): Promise<number> {
    const key = (text: string) => Buffer.from(text).toString("base64");
    const answer = await fetch(`http://127.0.0.1:${ports.schedulerClient}/v3/kv/range`, {
      method: "POST",
      body: JSON.stringify({ key: key("dapr/jobs/"), range_end: key("dapr/jobs0"), count_only: true }),
    });
    return Number(((await answer.json()) as { count?: string }).count ?? 0);
  }

  async function take(): Promise<Sample> {
    const now = roots();
    const parts = await Promise.all([
      ...databases.flatMap((database) => [tables(database), kinds(database)]),
      others(),
      broker(),
    ]);
    return {
      ...named(memoryOf(now), "memory"),
      ...named(filesOf(now), "files"),
      ...Object.assign({}, ...parts),
      "scheduler reminder rows": await reminders(),
      "scheduler store bytes": bytesBelow(join(instance.dir, "scheduler")) / mb,
      "logs bytes": bytesBelow(join(instance.dir, "logs")) / mb,
      "names bytes": statSync(join(instance.dir, "names.db")).size / mb,
    };
  }

  return {
    take,
    /** Rows of sagas whose orders are done with; to be asked when few are open. */
    async leftovers(): Promise<Sample> {
      const [found] = await ask<{ rows: string }>(
        "order",
        `SELECT count(*) AS rows FROM workflow_state AS row WHERE NOT EXISTS (
           SELECT FROM state WHERE starts_with(key, 'order:') AND value->>'status' NOT IN ('delivered', 'cancelled')
           AND strpos(row.key, substr(state.key, 7)) > 0)`,
      );
      return { "workflow rows of no open order": Number(found?.rows) };
    },
    close,
  };
}

const named = (figures: Record<string, number>, what: string): Sample =>
  Object.fromEntries(Object.entries(figures).map(([name, value]) => [`${name} ${what}`, value]));

function bytesBelow(dir: string): number {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + sizeOf(join(parentPath, name)), 0);
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}
