import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Instance, instanceOf, portOf, root } from "./instance.js";
import { reset } from "./reset.js";
import { elapsed, help, Refusal } from "./say.js";
import { launch } from "./supervisor.js";
import { type Count, countOf, type Report } from "./test-count.js";

const usage = `
npm test                    lint, types, unit tests, then the system from outside on real sidecars
npm test -- unit saga       only the unit tests whose file names hold "saga"
npm test -- e2e             only the system from outside

  PORT_BASE=18080           the gateway's port of the system under test; its data is deleted first
`;

const parts = ["check", "unit", "e2e"] as const;
type Part = (typeof parts)[number];
const none: Count = { passed: 0, failed: 0 };

export async function run(args: string[]): Promise<void> {
  help(args, usage);
  const chosen = parts.filter((part) => args.includes(part));
  const filters = args.filter((arg) => !parts.includes(arg as Part));
  const wanted = chosen.length > 0 ? chosen : parts;
  const steps: Record<Part, () => Promise<Count>> = {
    check,
    unit: () => vitest("unit", filters),
    e2e: () => endToEnd(filters),
  };
  const total = { ...none };
  const summary: string[] = [];
  for (const part of wanted) {
    const since = Date.now();
    const { passed, failed } = await steps[part]();
    total.passed += passed;
    total.failed += failed;
    summary.push(`${part.padEnd(6)} ${elapsed(since).padStart(11)}   ${passed} passed, ${failed} failed`);
  }
  console.log(`\n${summary.join("\n")}\n${total.passed} passed, ${total.failed} failed`);
  process.exit(total.failed === 0 ? 0 : 1);
}

async function check(): Promise<Count> {
  const lint = await node(["node_modules/@biomejs/biome/bin/biome", "check", "."]);
  const types = process.env.TYPES_HOLD === "false" ? 1 : 0;
  return { passed: 0, failed: (lint === 0 ? 0 : 1) + types };
}

async function vitest(project: string, filters: string[], env: Record<string, string> = {}): Promise<Count> {
  const folder = mkdtempSync(join(tmpdir(), "orders-test-"));
  const output = join(folder, "report.json");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${output}`];
  const code = await node(
    ["node_modules/vitest/vitest.mjs", "run", "--project", project, ...reporters, ...filters],
    env,
  );
  const report = existsSync(output) ? (JSON.parse(readFileSync(output, "utf8")) as Report) : undefined;
  rmSync(folder, { recursive: true });
  return countOf(report, code);
}

async function endToEnd(filters: string[]): Promise<Count> {
  const portBase = portOf(process.env.PORT_BASE, 18080);
  const instance = instanceOf({ portBase });
  try {
    const system = await fresh(instance);
    const env = { E2E_URL: system.url, E2E_DIR: system.dir };
    const tests = await vitest("e2e", filters, env);
    const drift = await vitest("drift", [], env);
    await system.stop();
    return { passed: tests.passed + drift.passed, failed: tests.failed + drift.failed };
  } catch (error) {
    console.error(error instanceof Refusal ? error.message : error);
    return { passed: 0, failed: 1 };
  }
}

async function fresh(instance: Instance) {
  await reset(instance);
  const file = join(root, "dist", "e2e", "settings.js");
  const { settings, appEnv, mailEnv } = existsSync(file)
    ? await import(file)
    : { settings: {}, appEnv: {}, mailEnv: {} };
  // Over whatever is set: no test writes to anyone.
  Object.assign(process.env, mailEnv);
  return launch({ portBase: instance.portBase, settings, appEnv });
}

function node(args: string[], env: Record<string, string> = {}): Promise<number> {
  return new Promise((done) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit", env: { ...process.env, ...env } });
    const endIt = () => void child.kill();
    process.once("exit", endIt);
    child.once("close", (code) => {
      process.off("exit", endIt);
      done(code ?? 1);
    });
  });
}
