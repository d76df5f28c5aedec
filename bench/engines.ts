import { createRequire } from "node:module";
import { join } from "node:path";
import { inDatabase } from "../tools/databases.js";
import { root } from "../tools/instance.js";
import { listening } from "../tools/ports.js";
import type { Spec } from "../tools/process-manager.js";
import { answersOk, type Check } from "../tools/ready.js";
import { Refusal } from "../tools/say.js";

/** Where their programs and packages are. */
export const peers = join(root, "bench", "peers");

/** Another workflow engine with its order process, and payment and inventory in two others. */
export type Engine = { name: string; what: string; plan: (ground: Ground) => Plan };
/** `database` is the URL of an empty one. */
type Ground = { dir: string; ports: ReturnType<typeof portsAt>; database: string };
/** What runs beside PostgreSQL, and step by step what must hold before an order can be placed. */
type Plan = { specs: Spec[]; checks: Check[][] };

export const portsAt = (base: number) => ({
  order: base + 2,
  payment: base + 4,
  inventory: base + 6,
  ingress: base + 10,
  admin: base + 11,
  node: base + 12,
  endpoint: base + 13,
});

/** As it comes, but for where it listens and what it logs. */
const restate: Engine = {
  name: "restate",
  what: "Restate, with the order rows in PostgreSQL",
  plan({ dir, ports, database }) {
    const server: Spec = {
      name: "restate",
      command: restateServer(),
      args: ["--no-logo"],
      cwd: dir,
      env: {
        ...bare(),
        RESTATE_BASE_DIR: join(dir, "restate"),
        RESTATE_NODE_NAME: "one",
        RESTATE_LISTEN_MODE: "tcp",
        RESTATE_BIND_IP: "127.0.0.1",
        RESTATE_BIND_PORT: String(ports.node),
        RESTATE_INGRESS__BIND_PORT: String(ports.ingress),
        RESTATE_ADMIN__BIND_PORT: String(ports.admin),
        RESTATE_LOG_FILTER: "warn",
        RESTATE_DISABLE_TELEMETRY: "true",
      },
      rank: 1,
    };
    const endpoints = { payment: ports.payment, inventory: ports.inventory, order: ports.endpoint };
    const apps = Object.entries(endpoints).map(([name, endpoint]) =>
      program(name, "restate.js", {
        ROLE: name,
        ENDPOINT_PORT: String(endpoint),
        PORT: String(ports.order),
        RESTATE_URL: url(ports.ingress),
        RESTATE_LOGGING: "WARN",
        DATABASE_URL: database,
      }),
    );
    const registered = (endpoint: number) => () => posted(`${url(ports.admin)}/deployments`, { uri: url(endpoint) });
    return {
      specs: [server, ...apps],
      checks: [
        [
          { name: "restate", ready: answersOk(`${url(ports.admin)}/health`) },
          { name: "restate", ready: answersOk(`${url(ports.ingress)}/restate/health`) },
          ...Object.entries(endpoints).map(([name, at]) => ({ name, ready: () => listening(at) })),
        ],
        Object.entries(endpoints).map(([name, at]) => ({ name, ready: registered(at) })),
      ],
    };
  },
};

const dbos: Engine = {
  name: "dbos",
  what: "DBOS Transact, all of it in PostgreSQL",
  plan({ ports, database }) {
    const participants = { payment: ports.payment, inventory: ports.inventory };
    const order = program("order", "dbos.js", {
      PORT: String(ports.order),
      PAYMENT_URL: url(ports.payment),
      INVENTORY_URL: url(ports.inventory),
      DATABASE_URL: database,
      SYSTEM_DATABASE_URL: inDatabase(database, "dbos"),
    });
    const apps = Object.entries(participants).map(([name, at]) =>
      program(name, "participant.js", { ROLE: name, PORT: String(at), DATABASE_URL: database }),
    );
    const checks = Object.entries(participants).map(([name, at]) => ({ name, ready: () => listening(at) }));
    return { specs: [...apps, order], checks: [checks] };
  },
};

export const engines = [restate, dbos];

/** Refuses where there is none. */
export function restateServer(): string {
  if (process.env.RESTATE_SERVER) return process.env.RESTATE_SERVER;
  const name = `@restatedev/restate-server-${process.platform}-${process.arch}`;
  try {
    return createRequire(join(peers, "package.json")).resolve(`${name}/bin/restate-server`);
  } catch {
    throw new Refusal(
      `There is no ${name}: run rm -rf ${peers}/node_modules and this again. If npm has none for this machine, name a ` +
        "server of your own with RESTATE_SERVER=/path/to/restate-server npm run bench -- --suite peers.",
    );
  }
}

/** True when it was accepted. */
export async function posted(to: string, body: object): Promise<boolean> {
  const headers = { "content-type": "application/json" };
  const signal = AbortSignal.timeout(5_000);
  return (await fetch(to, { method: "POST", headers, body: JSON.stringify(body), signal })).ok;
}

function program(name: string, file: string, settings: Record<string, string>): Spec {
  const args = [join(peers, "dist", file)];
  const env = { ...bare(), NODE_ENV: "production", ...settings };
  return { name, command: process.execPath, args, cwd: peers, env, rank: 2 };
}

const bare = () => ({ PATH: process.env.PATH, HOME: process.env.HOME });
const url = (port: number) => `http://127.0.0.1:${port}`;
