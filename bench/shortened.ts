import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { root } from "../tools/instance.js";
import type { LaunchOptions } from "../tools/supervisor.js";

const week = 7 * 24 * 60 * 60;

/** dapr.yaml and components as they are, but for how long and how much is kept; services age their rows faster. */
export function shortened(dir: string, seconds: number): LaunchOptions {
  const folder = join(dir, "short");
  const components = join(folder, "components");
  mkdirSync(folder, { recursive: true });
  cpSync(join(root, "components"), components, { recursive: true });

  change(join(components, "config.yaml"), (text) =>
    text.replace(/stateRetentionPolicy: .*/, `stateRetentionPolicy: { anyTerminal: ${Math.ceil(seconds)}s }`),
  );
  change(join(components, "redis", "pubsub.yaml"), (text) =>
    text.replace(/(maxLenApprox, value: )"\d+"/, `$1"${Math.ceil(seconds * 20)}"`),
  );
  const file = join(folder, "dapr.yaml");
  const described = parse(readFileSync(join(root, "dapr.yaml"), "utf8"));
  const resourcesPaths = [components, join(components, "redis")];
  Object.assign(described.common, { resourcesPaths, configFilePath: join(components, "config.yaml") });
  for (const app of described.apps) app.appDirPath = root;
  writeFileSync(file, stringify(described));

  return {
    file,
    appEnv: { RETENTION_SPEED: String(week / seconds), RECONCILE_QUIET_SECONDS: "5" },
    settings: {
      requests_per_minute: "1000000",
      sign_ins_per_minute: "1000000",
      payment_window_seconds: String(Math.ceil(seconds / 2)),
      repeat_interval_seconds: "4",
      keep_notifications_days: "7",
      keep_dead_letters_days: "7",
    },
  };
}

function change(file: string, how: (text: string) => string): void {
  const before = readFileSync(file, "utf8");
  const after = how(before);
  if (after === before) throw new Error(`${file} does not say any more how long something is kept.`);
  writeFileSync(file, after);
}
