import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Suite, suites, usual } from "../e2e/suites.js";
import { builtExample } from "./example.js";
import { instanceOf, portOf, root } from "./instance.js";
import { reset } from "./reset.js";
import { aloud, elapsed, help, Refusal } from "./say.js";
import { runAloud } from "./shell.js";
import { stopInstance } from "./stop.js";
import { type LaunchOptions, launch } from "./supervisor.js";
import { type Count, countOf, type Report } from "./test-count.js";

const usage = `
npm test                    lint, types, unit tests, then the system from outside on real sidecars
npm test -- unit saga       only the unit tests whose file names hold "saga"

${Object.entries(suites)
  .map(([name, { says }]) => `npm test -- ${name.padEnd(16)}only ${says}`)
  .join("\n")}
npm test -- e2e stories     only the files of the suite whose names hold "stories"
npm test -- e2e --mtls      the suite on a system with mTLS
npm test -- e2e --kafka     the suite on a system whose broker is Kafka

  PORT_BASE=18080           the gateway's port of the system under test; its data is deleted first
  KAFKA_BROKERS=host:9092   on Kafka: this one, whose topics of ours are deleted first, instead of one that is started
`;

const none: Count = { passed: 0, failed: 0 };

export async function run(args: string[]): Promise<void> {
  help(args, usage);
  const parts = ["check", "unit", ...Object.keys(suites)];
  const chosen = parts.filter((part) => args.includes(part));
  const flags: LaunchOptions = {
    ...(args.includes("--mtls") && { mtls: true }),
    ...(args.includes("--kafka") && { broker: "kafka" }),
  };
  const filters = args.filter((arg) => !parts.includes(arg) && !["--mtls", "--kafka"].includes(arg));
  const total = { ...none };
  const summary: string[] = [];
  for (const part of chosen.length > 0 ? chosen : ["check", "unit", ...usual]) {
    const since = Date.now();
    const count = await countedIn(part, filters, flags);
    const { passed, failed } = count;
    add(total, count);
    summary.push(`${part.padEnd(10)} ${elapsed(since).padStart(11)}   ${passed} passed, ${failed} failed`);
  }
  console.log(`\n${summary.join("\n")}\n${total.passed} passed, ${total.failed} failed`);
  process.exit(total.failed === 0 ? 0 : 1);
}

function countedIn(part: string, filters: string[], flags: LaunchOptions): Promise<Count> {
  if (part === "check") return check();
  if (part === "unit") return vitest("unit", filters);
  const suite = suites[part] as Suite;
  return outside(part, { ...suite, launch: { ...suite.launch, ...flags } }, filters);
}

async function check(): Promise<Count> {
  const lint = await node(["node_modules/@biomejs/biome/bin/biome", "check", "."]);
  const types = process.env.TYPES_HOLD === "false" ? 1 : 0;
  return { passed: 0, failed: (lint === 0 ? 0 : 1) + types };
}

async function vitest(
  projects: string | string[],
  filters: string[],
  env: Record<string, string> = {},
): Promise<Count> {
  const folder = mkdtempSync(join(tmpdir(), "orders-test-"));
  const output = join(folder, "report.json");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${output}`];
  const chosen = [projects].flat().flatMap((project) => ["--project", project]);
  const code = await node(["node_modules/vitest/vitest.mjs", "run", ...chosen, ...reporters, ...filters], env);
  const report = existsSync(output) ? (JSON.parse(readFileSync(output, "utf8")) as Report) : undefined;
  rmSync(folder, { recursive: true });
  return countOf(report, code);
}

/** A suite against a system of its own with fresh data. */
async function outside(name: string, { projects, env = {}, launch: options, instead, own }: Suite, filters: string[]) {
  const instance = instanceOf({ portBase: portOf(process.env.PORT_BASE, 18080) });
  const total = { ...none };
  Object.assign(process.env, env);
  try {
    await reset(instance);
    const commands = await commandsOf(instead);
    const system = own ? undefined : await launch({ ...options, commands, portBase: instance.portBase });
    const urls = system?.urls ?? [`http://127.0.0.1:${instance.portBase}`];
    const E2E_BROKER = options?.broker ?? "redis";
    const where = { E2E_BROKER, E2E_URL: urls.join(" "), E2E_DIR: instance.dir, PORT_BASE: String(instance.portBase) };
    for (const project of projects) {
      const found = project === projects[0] ? filters : [];
      add(total, await vitest(project, found, where));
    }
    await (system ? system.stop() : stopInstance(instance.dir));
  } catch (error) {
    console.error(error instanceof Refusal ? error.message : error);
    add(total, { passed: 0, failed: 1 });
  }
  if (total.failed > 0) keepLogs(name, instance.dir);
  return total;
}

async function commandsOf(instead: Suite["instead"] = {}): Promise<Record<string, string[]>> {
  const built = Object.entries(instead).map(async ([app, example]) => [app, [await builtExample(example, aloud)]]);
  return Object.fromEntries(await Promise.all(built));
}

/** The next suite begins with fresh data, and the logs tell what went wrong in this one. */
function keepLogs(suite: string, dir: string): void {
  const logs = join(dir, "logs");
  const kept = join(root, ".run-failed", suite);
  if (!existsSync(logs)) return;
  cpSync(logs, kept, { recursive: true });
  console.log(`\nThe logs of this system are kept in ${kept}`);
}

function add(total: Count, { passed, failed }: Count): void {
  total.passed += passed;
  total.failed += failed;
}

const node = (args: string[], env: Record<string, string> = {}): Promise<number> =>
  runAloud(process.execPath, args, root, { ...process.env, ...env });
