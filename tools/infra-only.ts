import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { gateway } from "./app-processes.js";
import { instanceOf, root } from "./instance.js";
import { help, Refusal } from "./say.js";
import { tokensOf } from "./secrets.js";
import { launch, type System } from "./supervisor.js";

const usage = `
npm run infra        start PostgreSQL, Redis, placement, scheduler and the payment provider, and find the Dapr CLI;
                     the apps are then yours to start with: . .run/dapr.env && dapr run -f .

  ORDERS_DATA, ORDERS_REDIS, POSTGRES_URL, DEMO_PASSWORD, SMTP_…   as for npm start
`;

export async function run(args: string[]): Promise<void> {
  help(args, usage);
  if (instanceOf().offset !== 0)
    throw new Refusal("`dapr run -f .` uses the ports of dapr.yaml: run npm run infra without PORT_BASE.");
  // Where config.yaml lets the sidecars find each other, whatever ORDERS_DATA says.
  mkdirSync(join(root, ".run"), { recursive: true });
  const system = await launch({ infraOnly: true });
  const file = writeEnvironment(system);
  console.log(
    `\nReady. Start the apps in another terminal, in ${root}:\n\n  . ${file} && dapr run -f .\n\nCtrl-C here stops the rest.`,
  );
}

function writeEnvironment({ dir, sidecarEnv, runtimePath, cli }: System): string {
  const path = join(dir, "dapr.env");
  // `dapr run` gives all apps and sidecars the same environment, so they share a token. The sidecars themselves stay
  // open: the CLI could not talk to them any more.
  const shared = { APP_API_TOKEN: tokensOf(dir, gateway).app };
  const variables = { ...sidecarEnv, ...shared, DAPR_RUNTIME_PATH: runtimePath };
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}`);
  const cliFirst = `export PATH=${quoted(dirname(cli!))}:"$PATH"`;
  writeFileSync(path, `${[...lines, cliFirst].join("\n")}\n`, { mode: 0o600 });
  const short = relative(root, path);
  return short.startsWith("..") ? path : short;
}

export function quoted(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}
