import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { ensureDapr } from "../tools/dapr.js";
import { root } from "../tools/instance.js";
import { prometheusCommands } from "../tools/prometheus.js";
import { aloud } from "../tools/say.js";
import { run } from "../tools/shell.js";
import {
  appIds,
  apps,
  type Compose,
  type ComposeService,
  components,
  compose,
  neededBy,
  read,
} from "./support/rendered.js";

let project: Compose;
let values: string[];

beforeAll(async () => {
  const made = await compose(["observe", "load"]);
  project = made.project;
  values = [
    made.secrets.postgresPassword,
    ...Object.values(made.secrets.tokens).flatMap(({ api, app }) => [api, app]),
    ...JSON.parse(made.secrets.userJwtKeys).keys.map(({ d }: { d: string }) => d),
  ];
});

const service = (name: string) => project.services[name] as ComposeService;
/** "--app-id=order" as ["app-id", "order"]. */
const flagsOf = (name: string): Record<string, string[]> => {
  const flags: Record<string, string[]> = {};
  for (const arg of [...(service(name).entrypoint ?? []), ...(service(name).command ?? [])].slice(1)) {
    const [, flag = arg, value = ""] = /^--([\w-]+)(?:=(.*))?$/.exec(arg) ?? [];
    flags[flag] = [...(flags[flag] ?? []), value];
  }
  return flags;
};
const isOurs = (name: string) => !service(name).profiles?.includes("observe");

test.each(["", "load", "observe"])("Compose understands the file with the profile %j", async (profile) => {
  const names = Object.keys((await compose(profile ? [profile] : [])).project.services);
  for (const app of appIds) expect(names).toEqual(expect.arrayContaining([app, `${app}-app`, `${app}-sidecar`]));
  expect(names.includes("load")).toBe(profile === "load");
  expect(names.includes("grafana")).toBe(profile === "observe");
});

test("without the secrets it names the file that is missing", async () => {
  await expect(compose([], { withSecrets: false })).rejects.toThrow(/\.secrets\/[\w-]+\.env not found/);
});

describe.each(apps)("$appID", ({ appID, appPort, command, env = {} }) => {
  test("is one network, which service and sidecar share", () => {
    expect(service(appID).image).toMatch(/\/pause:/);
    for (const part of ["app", "sidecar"]) expect(service(`${appID}-${part}`).network_mode).toBe(`service:${appID}`);
  });

  test("is started as dapr.yaml says, and told what dapr.yaml tells it", () => {
    expect(service(`${appID}-app`).command).toEqual(command);
    const told = service(`${appID}-app`).environment ?? {};
    expect(told.APP_PORT).toBe(String(appPort));
    expect(Object.keys(told)).toEqual(expect.arrayContaining(Object.keys(env)));
  });

  test("has a sidecar of the same id and port, which reads our components, and leaves health to the offsets of Kafka", () => {
    const flags = flagsOf(`${appID}-sidecar`);
    expect(flags).toMatchObject({
      "app-id": [appID],
      "app-port": [String(appPort)],
      "resources-path": ["/components", "/components/kafka"],
      config: ["/components/config.yaml", "/names.yaml"],
    });
    expect(flags).not.toHaveProperty("enable-app-health-check");
    const mounted = Object.fromEntries(service(`${appID}-sidecar`).volumes?.map((one) => [one.target, one]) ?? []);
    expect(mounted["/components"]).toMatchObject({ source: expect.stringMatching(/\/components$/), read_only: true });
    expect(mounted["/names.yaml"]).toMatchObject({ source: expect.stringMatching(/compose\/names\.yaml$/) });
  });

  test("has the ports that service and sidecar look for each other at", () => {
    const { DAPR_HTTP_PORT, DAPR_GRPC_PORT } = service(`${appID}-app`).environment ?? {};
    const { "dapr-http-port": http = ["3500"], "dapr-grpc-port": grpc = ["50001"] } = flagsOf(`${appID}-sidecar`);
    expect([DAPR_HTTP_PORT, DAPR_GRPC_PORT]).toEqual([...http, ...grpc]);
  });

  test("shares its two tokens with its sidecar, and with nobody else", () => {
    for (const token of ["APP_API_TOKEN", "DAPR_API_TOKEN"]) {
      const value = service(`${appID}-app`).environment?.[token];
      expect(value).toBeTruthy();
      const who = Object.entries(project.services).filter(([, { environment }]) => environment?.[token] === value);
      expect(who.map(([name]) => name).sort()).toEqual([`${appID}-app`, `${appID}-sidecar`]);
    }
  });

  test("its sidecar, and not the service, has what its components ask for, and no other's connection strings", () => {
    const has = (part: string) =>
      Object.keys(service(`${appID}-${part}`).environment ?? {}).filter((name) => /_DATABASE$|_BROKERS$/.test(name));
    const needed = neededBy(appID);
    expect(has("sidecar").sort()).toEqual([...new Set([...needed, "KAFKA_BROKERS"])].sort());
    expect(has("app")).toEqual([]);
    expect("USER_JWT_KEYS" in (service(`${appID}-sidecar`).environment ?? {})).toBe(appID === "user");
  });
});

test("no component is there twice in the folders that a sidecar reads", () => {
  const names = components().map(({ metadata }) => metadata.name);
  expect(names.length).toBe(new Set(names).size);
});

test("every flag of sidecars, placement and scheduler is one that these programs have", async () => {
  const dapr = await ensureDapr({ say: aloud });
  const programs: Record<string, string> = { placement: dapr.placement, scheduler: dapr.scheduler };
  for (const app of appIds) programs[`${app}-sidecar`] = dapr.daprd;
  const known = new Map<string, Set<string>>();
  for (const program of new Set(Object.values(programs))) {
    const { output } = await run(program, ["--help"]);
    known.set(program, new Set([...output.matchAll(/--([\w-]+)/g)].map(([, flag]) => flag as string)));
  }
  for (const [name, program] of Object.entries(programs))
    for (const flag of Object.keys(flagsOf(name))) expect(known.get(program), `${name}: --${flag}`).toContain(flag);
});

test("daprd finds another by its host's name, at the port where sidecars listen for each other", async () => {
  const { daprd } = await ensureDapr({ say: aloud });
  const folder = mkdtempSync(join(tmpdir(), "orders-names-"));
  const configs = ["components/config.yaml", "deploy/compose/names.yaml"].map((path) => `--config=${join(root, path)}`);
  const ports = ["http", "grpc", "internal-grpc"].map((name, n) => `--dapr-${name}-port=${13590 + n}`);
  const args = ["--app-id=asker", ...configs, ...ports, "--metrics-port=13593", `--resources-path=${folder}`];
  const sidecar = spawn(daprd, [...args, "--dapr-listen-addresses=127.0.0.1"], { stdio: ["ignore", "pipe", "pipe"] });
  try {
    let log = "";
    sidecar.stdout.on("data", (text) => (log += text));
    await vi.waitFor(() => expect(log).toContain("Initialized name resolution to nameformat"), { timeout: 30_000 });
    const ask = () => fetch("http://127.0.0.1:13590/v1.0/invoke/localhost/method/x").then((answer) => answer.text());
    await vi.waitFor(async () => expect(await ask()).toContain("127.0.0.1:50002"), { timeout: 30_000 });
  } finally {
    sidecar.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  }
  for (const app of appIds) expect(flagsOf(`${app}-sidecar`)["dapr-internal-grpc-port"]).toEqual(["50002"]);
});

test("images have versions, and Dapr's are those that npm start runs", () => {
  for (const [name, { image, build }] of Object.entries(project.services))
    if (!build) expect(image, name).toMatch(/:v?\d+\.\d+(\.\d+)?(-\w+)?$/);
  for (const name of ["placement", "scheduler", "order-sidecar"])
    expect(service(name).image).toMatch(/^daprio\/\w+:1\.18\.2$/);
});

test("all run without capabilities and on a file system that they cannot write", () => {
  for (const name of Object.keys(project.services).filter(isOurs)) {
    expect(service(name).cap_drop, name).toEqual(["ALL"]);
    expect(service(name).security_opt, name).toEqual(["no-new-privileges:true"]);
    expect(service(name).read_only ?? false, name).toBe(name !== "kafka");
  }
});

test("the gateway alone is reached from outside, from this machine; beside it the one who observes", () => {
  const published = Object.entries(project.services).flatMap(([name, { ports = [] }]) =>
    ports.map(({ host_ip, published, target }) => `${name} ${host_ip}:${published}:${target}`),
  );
  expect(published.sort()).toEqual(["api-gateway 127.0.0.1:8080:8080", "grafana 127.0.0.1:3000:3000"]);
});

test("no secret is in the file, and none is given to who does not need it", () => {
  for (const value of values) expect(read("docker-compose.yml")).not.toContain(value);
  const written = parse(read("docker-compose.yml"), { merge: true, logLevel: "error" }) as Compose;
  for (const [name, { environment }] of Object.entries(written.services))
    for (const [key, value] of Object.entries(environment ?? {}))
      if (/TOKEN|PASSWORD|KEYS|_DATABASE/.test(key)) expect(value, `${name}: ${key}`).toBe(null);
  for (const name of ["load", "provider", "placement", "scheduler", "kafka", ...appIds])
    for (const value of values) expect(JSON.stringify(service(name)), name).not.toContain(value);
});

test("mail is sent where the shell names a server, by the sidecar, which alone has its password", () => {
  const smtp = ["SMTP_HOST", "SMTP_PORT", "SMTP_FROM", "SMTP_USER", "SMTP_PASSWORD"];
  const named = (name: string) => smtp.filter((key) => key in (service(name).environment ?? {}));
  expect(named("notification-sidecar")).toEqual(smtp);
  expect(named("notification-app")).toEqual(["SMTP_HOST"]);
});

test("Prometheus understands where the containers are, and finds every app and sidecar", async () => {
  const path = join(root, "deploy", "compose", "prometheus.yml");
  const { promtool } = await prometheusCommands(aloud);
  const { code, output } = await run(promtool, ["check", "config", path]);
  expect(code, output).toBe(0);
  type Job = { job_name: string; dns_sd_configs: [{ names: string[]; port: number }] };
  const jobs = (parse(read("deploy/compose/prometheus.yml")).scrape_configs as Job[]).map(
    ({ job_name, dns_sd_configs: [{ names, port }] }) => [job_name, { names: [...names].sort(), port }] as const,
  );
  expect(Object.fromEntries(jobs)).toEqual({
    apps: { names: [...appIds].sort(), port: Number(service("order-app").environment?.METRICS_PORT) },
    sidecars: { names: [...appIds].sort(), port: 9090 },
    "control-plane": { names: ["placement", "scheduler"], port: 9090 },
  });
});
