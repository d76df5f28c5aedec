import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cached } from "./cached.js";
import { root } from "./instance.js";
import { Refusal, type Say } from "./say.js";
import { run } from "./shell.js";

const requirements = join(root, "tools", "schemathesis.txt");
const oldest = [3, 10] as const;

/** A Python with the pinned schemathesis, installed once per version, outside of the work tree. */
export async function ensureSchemathesis(say: Say): Promise<string> {
  const version = /^schemathesis==(.+)$/m.exec(readFileSync(requirements, "utf8"))?.[1];
  const python = join("bin", "python3");
  const wanted = { name: `schemathesis-${version}`, proof: python, what: "schemathesis", say };
  const home = await cached(wanted, async (into) => {
    await checkPython();
    say(`Installing schemathesis ${version} from PyPI (first time only, 100 MB, usually under a minute) …`);
    await step("python3", ["-m", "venv", into], "install Python's venv module (Debian and Ubuntu: python3-venv)");
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements];
    await step(join(into, python), pip, "check that PyPI, or the index that `pip config list` names, can be reached");
  });
  return join(home, python);
}

async function checkPython(): Promise<void> {
  const { code, output } = await run("python3", ["--version"]);
  const cure = `install Python ${oldest.join(".")} or newer with its venv module, then run this again.`;
  if (code !== 0) throw new Refusal(`schemathesis needs Python, and python3 was not found on PATH: ${cure}`);
  const [, major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(output) ?? []).map(Number);
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1]))
    throw new Refusal(`${output.trim()} is too old for schemathesis: ${cure}`);
}

async function step(program: string, args: string[], cure: string): Promise<void> {
  const { code, output } = await run(program, args);
  if (code === 0) return;
  const end = output.trim().split("\n").slice(-15).join("\n");
  throw new Refusal(`Installing schemathesis failed: ${cure}, then run this again.\n${end}`);
}
