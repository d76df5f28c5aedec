import { chmodSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { Refusal, type Say } from "./say.js";
import { run, which } from "./shell.js";

type Package = {
  /** The program that is looked for on PATH. */
  command: string;
  /** Debian's packages that bring it, and what belongs to it. */
  packages: string[];
  /** The service that Debian would start for it, where there is one: ours is started by the supervisor. */
  service?: string;
  /** How whoever is no root on a Debian gets it. */
  otherwise: string;
};

/** Where a program is; when it is missing it is installed from Debian's packages, as root and said aloud. */
export async function installed({ command, packages, service, otherwise }: Package, say: Say): Promise<string> {
  const present = which(command);
  if (present) return present;
  if (process.getuid?.() !== 0 || !which("apt-get")) throw new Refusal(`${command} is missing: ${otherwise}`);
  const names = packages.join(" ");
  say(`${command} is missing: installing Debian's ${names} (apt-get, usually under a minute) …`);
  const output = await withoutStartingServices(async () => {
    const update = await run("apt-get", ["update", "-q"]);
    const install = await apt("install", "-y", "-q", "--no-install-recommends", ...packages);
    return update.output + install.output;
  });
  if (service && existsSync("/run/systemd/system")) await run("systemctl", ["disable", "--now", service]);
  const found = which(command);
  if (found) return found;
  throw new Refusal(
    `apt-get could not install ${names}: install it yourself, then run this again.\n${output.slice(-1500)}`,
  );
}

const apt = (...args: string[]) =>
  run("apt-get", ["-o", "DPkg::Lock::Timeout=120", ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });

// Debian starts a service as soon as its package is there; this file is its way to be told not to.
async function withoutStartingServices<T>(work: () => Promise<T>): Promise<T> {
  const policy = "/usr/sbin/policy-rc.d";
  if (existsSync(policy)) return work();
  writeFileSync(policy, "#!/bin/sh\nexit 101\n");
  chmodSync(policy, 0o755);
  try {
    return await work();
  } finally {
    rmSync(policy, { force: true });
  }
}
