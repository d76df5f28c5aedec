import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { demoProducts } from "../contracts/demo.js";
import { accepts } from "../tools/databases.js";
import { type Instance, infraPorts, instanceOf, root } from "../tools/instance.js";
import { checkPorts } from "../tools/ports.js";
import { postgresOf } from "../tools/postgres.js";
import { processManager } from "../tools/process-manager.js";
import { allReady, type Check } from "../tools/ready.js";
import { aloud, Refusal, type Say, silent, ticking } from "../tools/say.js";
import { secretsOf } from "../tools/secrets.js";
import { run } from "../tools/shell.js";
import { stopping } from "../tools/stopping.js";
import { type Engine, peers, portsAt, posted, restateServer } from "./engines.js";
import { dirOf, type Ground, type Options, wipe } from "./ground.js";
import type { Target } from "./load.js";

/** Installs the engines' packages where they are missing, and compiles the programs that use them. */
export async function prepareEngines(say: Say): Promise<void> {
  if (process.env.POSTGRES_URL)
    throw new Refusal(
      "What PostgreSQL uses is part of the comparison, so it needs its own: run it without POSTGRES_URL.",
    );
  if (!installed()) await install(say);
  restateServer();
  const { code, output } = await run(join(root, "node_modules", ".bin", "tsc"), ["-p", peers]);
  if (code !== 0) throw new Refusal(`The programs in ${peers} do not compile: correct them.\n${output.trim()}`);
}

// npm writes this file last: newer than the lock file, it tells of a complete install.
function installed(): boolean {
  const last = join(peers, "node_modules", ".package-lock.json");
  return existsSync(last) && statSync(last).mtimeMs >= statSync(join(peers, "package-lock.json")).mtimeMs;
}

async function install(say: Say): Promise<void> {
  say(`Installing Restate and DBOS into ${peers}/node_modules (npm ci, 240 MB, once) …`);
  const tick = ticking(say, () => "npm ci");
  const { code, output } = await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: peers });
  tick();
  if (code === 0) return;
  throw new Refusal(
    `npm ci failed: check that the npm registry can be reached, then run this again.\n${output.trim()}`,
  );
}

/** As `onSystem`: PostgreSQL as the product has it, the engine and its programs, until the work is done. */
export async function onEngine<T>(
  { portBase, quiet, quick }: Options,
  engine: Engine,
  work: (target: Target, ground: Pick<Ground, "roots" | "quick">) => Promise<T>,
): Promise<T> {
  const dir = dirOf(portBase);
  await wipe(dir);
  const { target, roots, stop } = await launched(engine, instanceOf({ portBase, dir }), quiet ? silent : aloud);
  let result: T;
  try {
    result = await work(target, { roots, quick });
  } finally {
    await stop();
  }
  await wipe(dir);
  return result;
}

/** Returns when a first order was taken. */
async function launched(engine: Engine, instance: Instance, say: Say) {
  const { dir, portBase } = instance;
  mkdirSync(dir, { recursive: true });
  const { url: database, spec } = await postgresOf(instance, secretsOf(dir).postgresPassword, say);
  const ports = portsAt(portBase);
  await checkPorts({ postgres: infraPorts(instance).postgres, ...ports }, portBase);
  const { specs, checks } = engine.plan({ dir, ports, database });
  const url = `http://127.0.0.1:${ports.order}`;
  const kept = processManager(dir);
  const { stop, interrupted } = stopping(instance, kept, { close() {} }, say);
  try {
    kept.start(spec!);
    await allReady([{ name: "postgres", ready: () => accepts(database) }], kept, say);
    for (const spec of specs) kept.start(spec);
    const order = { items: products.map((product_id) => ({ product_id, quantity: 1 })) };
    const first: Check = { name: "order", ready: () => posted(`${url}/orders`, order) };
    for (const step of [...checks, [first]]) await allReady(step, kept, say);
  } catch (error) {
    // Interrupted: what failed then is not worth telling, and the process is about to end.
    if (interrupted()) await new Promise(() => {});
    await stop();
    throw error;
  }
  const target: Target = {
    urls: [url],
    token: "",
    headers: {},
    products,
    onTheWay: ["pending", "paid"],
    arrived: "confirmed",
  };
  return { target, roots: kept.pids, stop };
}

const products: [string, string] = [demoProducts[0]!.id, demoProducts[1]!.id];
