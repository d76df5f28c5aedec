import { debianCommand } from "./debian.js";
import type { Say } from "./say.js";
import { which } from "./shell.js";

/** The paths of Prometheus and of promtool, which come together; Debian's package when they are missing. */
export async function prometheusCommands(say: Say): Promise<{ prometheus: string; promtool: string }> {
  const missing = { what: "Prometheus", command: "prometheus", name: "prometheus" };
  const otherwise = "install it with its promtool (https://prometheus.io/download) and have both on PATH";
  const prometheus = which("prometheus") ?? (await debianCommand(missing, otherwise, say));
  const promtool = which("promtool") ?? (await debianCommand({ ...missing, command: "promtool" }, otherwise, say));
  return { prometheus, promtool };
}
