import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";

// The containers are not run where this is tested: at least what they are told agrees.

const root = join(import.meta.dirname, "..", "..");
const read = (path: string) => parse(readFileSync(join(root, path), "utf8"));
const compose = read("deploy/observability/compose.yml") as {
  services: Record<string, { image: string; volumes: string[]; command?: string[] }>;
  volumes: Record<string, unknown>;
};

test("every image has a version, every file that is mounted is there, every volume is declared", () => {
  for (const [name, { image, volumes }] of Object.entries(compose.services)) {
    expect(image, name).toMatch(/:v?\d+\.\d+\.\d+$/);
    for (const mounted of volumes) {
      const [from] = mounted.split(":") as [string];
      if (!from.startsWith(".")) expect(Object.keys(compose.volumes), name).toContain(from);
      else if (!from.includes("/.run/")) expect(existsSync(join(import.meta.dirname, from)), mounted).toBe(true);
    }
  }
});

test("the collector's pipelines name what it has, and lead to where Tempo and Loki listen", () => {
  type Parts = Record<string, Record<string, unknown>>;
  const collector = read("deploy/observability/collector.yml") as Parts & {
    exporters: { otlp: { endpoint: string }; otlphttp: { endpoint: string } };
    service: { pipelines: Record<string, Record<string, string[]>> };
  };
  for (const pipeline of Object.values(collector.service.pipelines))
    for (const [kind, names] of Object.entries(pipeline))
      for (const name of names) expect(Object.keys(collector[kind] ?? {}), kind).toContain(name);
  const tempo = read("deploy/observability/tempo.yml");
  expect(collector.exporters.otlp.endpoint).toBe(tempo.distributor.receivers.otlp.protocols.grpc.endpoint);
  const loki = read("deploy/observability/loki.yml").server;
  expect(collector.exporters.otlphttp.endpoint).toBe(
    `http://${loki.http_listen_address}:${loki.http_listen_port}/otlp`,
  );
});

test("Grafana's data sources are the containers, by name and port", () => {
  const { datasources } = read("deploy/observability/grafana/datasources/datasources.yml") as {
    datasources: { url: string }[];
  };
  const ports = { prometheus: 9090, tempo: 3200, loki: 3100 };
  expect(datasources.map(({ url }) => url).sort()).toEqual(
    Object.entries(ports)
      .map(([name, port]) => `http://${name}:${port}`)
      .sort(),
  );
  expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(Object.keys(ports)));
  expect(compose.services.prometheus?.command?.join()).toContain(`:${ports.prometheus}`);
  expect(read("deploy/observability/tempo.yml").server.http_listen_port).toBe(ports.tempo);
  expect(read("deploy/observability/loki.yml").server.http_listen_port).toBe(ports.loki);
});
