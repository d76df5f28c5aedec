import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { accepts } from "./databases.js";
import { load } from "./dump.js";
import { type Instance, instanceOf } from "./instance.js";
import { endOrphans, supervisorOf } from "./pids.js";
import { postgresOf } from "./postgres.js";
import { processManager } from "./process-manager.js";
import { allReady } from "./ready.js";
import { forgetMessages } from "./reset.js";
import { aloud, elapsed, help, Refusal } from "./say.js";
import { secretsOf } from "./secrets.js";

const usage = `
npm run restore -- <folder>    replace all databases of a stopped system by those of a back-up. Messages and the
                               scheduler's jobs, which speak of a time after it, are thrown away. Then: npm start and,
                               when it runs, npm run repair

  PORT_BASE, ORDERS_DATA, POSTGRES_URL, KAFKA_BROKERS   which one, when it was started with them
`;

/** Says which back-up was restored last. */
export const restoredMark = (dir: string): string => join(dir, "restored.json");

export async function run(args: string[]): Promise<void> {
  help(args, usage);
  const [name] = args;
  if (!name) throw new Refusal(usage.trim());
  const folder = resolve(name);
  if (!existsSync(join(folder, "backup.json"))) throw new Refusal(`${folder} is no back-up: it has no backup.json.`);
  const instance = instanceOf();
  if (supervisorOf(instance.dir))
    throw new Refusal(`The system in ${instance.dir} is running: stop it first with npm stop.`);
  const since = Date.now();
  mkdirSync(instance.dir, { recursive: true });
  await endOrphans(instance.dir);
  await replaced(instance, folder);
  console.log(`Restored in ${elapsed(since)}. Now: npm start and, when it runs, npm run repair.`);
}

async function replaced(instance: Instance, folder: string): Promise<void> {
  const { dir } = instance;
  const { spec, ...server } = await postgresOf(instance, secretsOf(dir).postgresPassword, aloud);
  const kept = processManager(dir);
  try {
    if (spec) kept.start(spec);
    await allReady([{ name: "postgres", ready: () => accepts(server.url) }], kept, aloud);
    await load(server, folder, aloud);
  } finally {
    await kept.close();
  }
  await forgetMessages(instance);
  for (const part of ["redis", "kafka", "scheduler"]) rmSync(join(dir, part), { recursive: true, force: true });
  copyFileSync(join(folder, "backup.json"), restoredMark(dir));
}
