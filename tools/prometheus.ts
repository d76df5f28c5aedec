import { installed } from "./debian.js";
import type { Say } from "./say.js";

/** The paths of Prometheus and of promtool, which come together; Debian's package when they are missing. */
export async function prometheusCommands(say: Say): Promise<{ prometheus: string; promtool: string }> {
  const pathOf = (command: string) =>
    installed(
      {
        command,
        packages: ["prometheus"],
        service: "prometheus",
        otherwise:
          "install Prometheus with its promtool (https://prometheus.io/download), have both on PATH, then run this again.",
      },
      say,
    );
  return { prometheus: await pathOf("prometheus"), promtool: await pathOf("promtool") };
}
