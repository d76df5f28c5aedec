import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { accepts } from "./databases.js";
import { dump } from "./dump.js";
import { instanceOf, root } from "./instance.js";
import { serverOf } from "./postgres.js";
import { aloud, elapsed, help, Refusal } from "./say.js";
import { secretsOf } from "./secrets.js";

const usage = `
npm run backup -- <folder>     write all databases of the running system, as they are at one moment, into a new folder

  PORT_BASE, ORDERS_DATA, POSTGRES_URL   which one, when it was started with them
`;

export async function run(args: string[]): Promise<void> {
  help(args, usage);
  const [name] = args;
  if (!name) throw new Refusal(usage.trim());
  const folder = resolve(name);
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new Refusal(`${folder} is not empty: name a new folder for the back-up.`);
  const instance = instanceOf();
  const server = serverOf(instance, secretsOf(instance.dir).postgresPassword);
  if (!(await accepts(server.url)))
    throw new Refusal(`PostgreSQL of ${instance.dir} does not answer: start the system first with npm start.`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const since = Date.now();
  const taken_at = await dump(server, folder, aloud);
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  // Last, so that a folder without it is no back-up.
  writeFileSync(join(folder, "backup.json"), `${JSON.stringify({ taken_at, version })}\n`);
  console.log(`Backed up in ${elapsed(since)}, as of ${taken_at}: ${folder}`);
}
