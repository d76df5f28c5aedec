import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { customer, seeded, tokenOf } from "./contract-seeds.js";
import { instanceOf, portOf, root } from "./instance.js";
import { reset } from "./reset.js";
import { aloud, elapsed, help } from "./say.js";
import { ensureSchemathesis } from "./schemathesis.js";
import { runAloud } from "./shell.js";
import { launch } from "./supervisor.js";

const usage = `
npm run test:contract             ask every route what openapi.json allows, and much that it forbids, and hold the
                                  answers against it: half a minute as a customer, half a minute as an admin
npm run test:contract -- --all    the same for five minutes each
npm run test:contract -- --include-path /orders    other options are schemathesis' own

  PORT_BASE=18080           the gateway's port of the system under test; its data is deleted first
`;

/** It asks more often than people. */
const settings = { requests_per_minute: "1000000", sign_ins_per_minute: "100000" };
const stream = "/orders/{id}/events";

export async function run(args: string[]): Promise<void> {
  help(args, usage);
  const all = args.includes("--all");
  const python = await ensureSchemathesis(aloud);
  const { portBase, ...instance } = instanceOf({ portBase: portOf(process.env.PORT_BASE, 18080) });
  await reset({ portBase, ...instance });
  const { url, dir, stop } = await launch({ portBase, settings });
  console.log(`\nLeft out: GET ${stream}, because a stream does not end.`);

  const file = join(dir, "openapi.json");
  const bounds = all ? ["--max-time", "300"] : ["--max-time", "30", "--generation-deterministic"];
  const config = ["--config-file", join(root, "tools", "schemathesis.toml")];
  const given = args.filter((arg) => arg !== "--all");
  const summary: string[] = [];
  let failed = false;
  const testers = await Promise.all(
    [customer, "admin@orders.local"].map(async (email) => {
      return { email, token: await tokenOf(url, email), document: await seeded(url) };
    }),
  );
  for (const { email, token, document } of testers) {
    const since = Date.now();
    writeFileSync(file, JSON.stringify(document));
    const env = { ...process.env, TOKEN: token };
    const command = [...config, "run", file, "--url", url, "--exclude-path", stream, ...bounds, ...given];
    const code = await schemathesis(python, command, dir, env);
    summary.push(`as ${email}: ${code === 0 ? "nothing found" : "findings, see above"}, ${elapsed(since)}`);
    failed ||= code !== 0;
  }
  await stop();
  console.log(`\n${summary.join("\n")}`);
  process.exit(failed ? 1 : 0);
}

function schemathesis(python: string, args: string[], cwd: string, env: NodeJS.ProcessEnv): Promise<number> {
  const program = ["-c", "from schemathesis.cli import schemathesis; schemathesis()"];
  return runAloud(python, [...program, ...args], cwd, env);
}
