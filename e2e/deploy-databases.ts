import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { accepts, databases, saveSetting } from "../tools/databases.js";
import { installed } from "../tools/debian.js";
import { infraPorts, instanceOf, portOf, root } from "../tools/instance.js";
import { postgresOf } from "../tools/postgres.js";
import { type ProcessManager, processManager } from "../tools/process-manager.js";
import { reset } from "../tools/reset.js";
import { aloud } from "../tools/say.js";
import { run } from "../tools/shell.js";
import { type Compose, compose, read } from "./support/rendered.js";

// What compose and the cluster's job do with a new server, on a real one.

const instance = instanceOf({ portBase: portOf(process.env.PORT_BASE, 18080) });
const port = infraPorts(instance).postgres;
let server: { url: string; prefix: string };
let processes: ProcessManager;
let project: Compose;

beforeAll(async () => {
  vi.stubEnv("POSTGRES_URL", "");
  await reset(instance);
  project = (await compose([])).project;
  const { spec, ...rest } = await postgresOf(instance, password("POSTGRES_PASSWORD"), aloud);
  server = rest;
  processes = processManager(instance.dir);
  if (spec) processes.start(spec);
  await vi.waitFor(async () => expect(await accepts(server.url)).toBe(true), { timeout: 60_000 });
  await makeDatabases();
});
afterAll(async () => {
  await processes.close();
  await reset(instance);
});

const environment = (name: string) => project.services[name]?.environment as Record<string, string>;
const password = (name: string) => environment("postgres")[name] as string;

async function makeDatabases(): Promise<void> {
  const otherwise = "install PostgreSQL's client (psql), then run this again.";
  const psql = await installed({ command: "psql", packages: ["postgresql-client"], otherwise }, aloud);
  const { PATH } = process.env;
  const env = { PATH, ...environment("postgres"), PGPASSWORD: password("POSTGRES_PASSWORD") };
  const where = ["--host=127.0.0.1", `--port=${port}`, "--username=postgres", "--dbname=postgres"];
  const file = `--file=${join(root, "deploy", "postgres", "databases.sql")}`;
  const { code, output } = await run(psql, ["--no-psqlrc", "--quiet", ...where, file], { env });
  expect(code, output).toBe(0);
}

/** As a sidecar's connection string has it, but on this machine. */
function urlOf(app: string, name: string): string {
  const url = new URL(environment(`${app}-sidecar`)[`${name.toUpperCase()}_DATABASE`] as string);
  url.hostname = "127.0.0.1";
  url.port = String(port);
  return url.href;
}

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

const services = databases.filter((name) => name !== "configuration");

test.each(services)("%s makes tables in its own database and enters no other's", async (name) => {
  const url = urlOf(name, name);
  await ask(url, "create table if not exists mine (id int)");
  for (const other of databases.filter((one) => one !== name)) {
    const elsewhere = new URL(url);
    elsewhere.pathname = `/orders_${other}`;
    await expect(ask(elsewhere.href, "select 1"), other).rejects.toThrow(/permission denied for database/);
  }
});

test("settings are read by every service and written by none", async () => {
  await saveSetting(server, "payment_window_seconds", "600");
  for (const app of ["api-gateway", ...services]) {
    const url = urlOf(app, "configuration");
    expect(await ask(url, "select value from configuration")).toEqual([{ value: "600" }]);
    await expect(ask(url, "delete from configuration")).rejects.toThrow(/permission denied/);
    await expect(ask(url, "create table mine (id int)")).rejects.toThrow(/permission denied/);
  }
});

test("made again nothing is lost", async () => {
  await makeDatabases();
  expect(await ask(urlOf("order", "configuration"), "select key from configuration")).toHaveLength(1);
  expect(await ask(urlOf("order", "order"), "select * from mine")).toEqual([]);
});

test("compose makes them before the server is said to be there", () => {
  const { services } = parse(read("docker-compose.yml"), { merge: true, logLevel: "error" });
  expect(services.postgres.volumes).toContain(
    "./deploy/postgres/databases.sql:/docker-entrypoint-initdb.d/databases.sql:ro",
  );
  // The image's first server, which runs the SQL, listens on no address.
  expect(services.postgres.healthcheck.test).toContain("--host=127.0.0.1");
});
