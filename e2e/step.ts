import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { dir } from "./support/own.js";

// docs/add-a-step.md, as someone would follow it: in a copy of the project, patch by patch, command by command.

const copy = resolve(dir, "step");
// Not what this test run says of itself: the copy's commands start their own.
const { PATH, HOME, PORT_BASE } = process.env;
const env = { PATH, HOME, PORT_BASE, SMTP_HOST: "" };
const run = (command: string, cwd = copy) =>
  promisify(execFile)("bash", ["-c", command], { cwd, env, maxBuffer: 1 << 26, timeout: 600_000 }).then(
    ({ stdout, stderr }) => ({ code: 0, text: stdout + stderr }),
    (error) => ({ code: error.code as number, text: `${error.stdout}${error.stderr}` }),
  );

const page = readFileSync("docs/add-a-step.md", "utf8");
const blocks = (kind: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${kind}\\n([\\s\\S]*?\\n)\`\`\``, "g"))].map(([, text]) => text as string);

async function copied(): Promise<void> {
  rmSync(copy, { recursive: true, force: true });
  const { text } = await run("git ls-files --cached --others --exclude-standard", process.cwd());
  for (const file of text.split("\n").filter(Boolean)) {
    mkdirSync(join(copy, dirname(file)), { recursive: true });
    cpSync(file, join(copy, file));
  }
  symlinkSync(resolve("node_modules"), join(copy, "node_modules"));
  // It has its own history, which holds the patches to be against what was there.
  const mine = "git -c user.name=reader -c user.email=reader@example.org";
  const { code, text: said } = await run(`git init -q && git add -A && ${mine} commit -qm "The project"`);
  expect([code, said]).toEqual([0, ""]);
}

const commands = blocks("sh").flatMap((block) => block.trim().split("\n"));
const [fromOutside, others] = [commands.slice(-1), commands.slice(0, -1)];

async function pass(all: string[]): Promise<void> {
  for (const command of all) {
    const { code, text } = await run(command);
    expect(code, `${command}\n${text.slice(-5_000)}`).toBe(0);
  }
}

test("the page that adds a step: its patches fit, documents and unit tests follow", async () => {
  await copied();
  for (const patch of blocks("diff")) {
    writeFileSync(join(copy, "patch"), patch);
    expect(await run("git apply patch && rm patch"), patch).toEqual({ code: 0, text: "" });
  }
  expect(others).toEqual(["npm run docs", expect.stringMatching(/^npm test -- unit /)]);
  await pass(others);
  const { text } = await run("git diff --stat README.md docs/api");
  expect(text).toContain("docs/api/asyncapi.json");
}, 900_000);

test("and the system takes the step", async () => {
  expect(fromOutside).toEqual([expect.stringMatching(/^npm test -- e2e /)]);
  await pass(fromOutside);
  rmSync(copy, { recursive: true });
}, 900_000);
