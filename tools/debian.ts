import { chmodSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { Refusal, type Say } from "./say.js";
import { run, which } from "./shell.js";

type Package = { what: string; command: string; name: string };

/**
 * The path of a command that is missing: its Debian package is installed where that is possible, and never started as a
 * service. `otherwise` is what the reader can do where it is not.
 */
export async function debianCommand({ what, command, name }: Package, otherwise: string, say: Say): Promise<string> {
  if (process.getuid?.() !== 0 || !which("apt-get"))
    throw new Refusal(`${what} is missing: ${otherwise}, then run this again.`);
  say(`${what} is missing: installing Debian's package ${name} (apt-get, usually under a minute) …`);
  const output = await withoutStartingServices(async () => {
    const update = await run("apt-get", ["update", "-q"]);
    const install = await apt("install", "-y", "-q", "--no-install-recommends", name);
    return update.output + install.output;
  });
  if (existsSync("/run/systemd/system")) await run("systemctl", ["disable", "--now", name]);
  const path = which(command);
  if (path) return path;
  throw new Refusal(
    `apt-get could not install ${name}: install it yourself, then run this again.\n${output.slice(-1500)}`,
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
