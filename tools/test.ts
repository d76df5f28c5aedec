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
npm test -- mail            only the system that sends mail, to a catcher of the test's own

  PORT_BASE=18080           the gateway's port of the system under test; its data is deleted first
`;

const parts = ["check", "unit", "e2e", "mail"] as const;
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
    // After all tests, on the same system: what they left behind adds up.
    e2e: () => outside(false, ["e2e", "drift"], filters),
    mail: () => outside(true, ["mail"]),
  };
  const total = { ...none };
  const summary: string[] = [];
  for (const part of wanted) {
    const since = Date.now();
    const count = await steps[part]();
    const { passed, failed } = count;
    add(total, count);
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

/** Vitest projects, one after the other, against a system of their own with fresh data. */
async function outside(mail: boolean, projects: string[], filters: string[] = []): Promise<Count> {
  const instance = instanceOf({ portBase: portOf(process.env.PORT_BASE, 18080) });
  const total = { ...none };
  try {
    const system = await fresh(instance, mail);
    for (const project of projects) {
      const found = project === "e2e" ? filters : [];
      add(total, await vitest(project, found, { E2E_URL: system.url, E2E_DIR: system.dir }));
    }
    await system.stop();
  } catch (error) {
    console.error(error instanceof Refusal ? error.message : error);
    add(total, { passed: 0, failed: 1 });
  }
  return total;
}

function add(total: Count, { passed, failed }: Count): void {
  total.passed += passed;
  total.failed += failed;
}

async function fresh(instance: Instance, mail: boolean) {
  await reset(instance);
  const file = join(root, "dist", "e2e", "settings.js");
  const { settings, appEnv, mailEnv } = existsSync(file)
    ? await import(file)
    : { settings: {}, appEnv: {}, mailEnv: {} };
  // Over whatever is set: no test writes to anyone.
  Object.assign(process.env, mail ? mailEnv : { SMTP_HOST: "" });
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
