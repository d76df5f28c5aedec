import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { maxConnections } from "../tools/postgres.js";

type Resource = {
  kind: string;
  scopes: string[];
  spec: { type: string; metadata: { name: string; value?: string }[] };
};
const names = readdirSync("components").filter((file) => file.endsWith(".yaml"));
const files = names.map((file) => {
  const documents = parseAllDocuments(readFileSync(join("components", file), "utf8"));
  return { file, resources: documents.map((document) => document.toJS() as Resource) };
});

test("policies are one to a file: daprd says nothing of those that follow, and does not read them", () => {
  const policies = files.filter(({ resources }) => resources.some(({ kind }) => kind === "Resiliency"));
  expect(policies.map(({ file }) => file)).toEqual(["resiliency-gateway.yaml", "resiliency.yaml"]);
  for (const { resources } of policies) expect(resources).toHaveLength(1);
});

test("two of every service fit into our PostgreSQL", () => {
  const pools = files
    .flatMap(({ resources }) => resources)
    .filter(({ kind, spec }) => kind === "Component" && spec.type.endsWith(".postgresql"));
  const sizes = pools.map(({ spec, scopes }) => {
    const size = spec.metadata.find(({ name }) => name === "maxConns")?.value;
    return Number(size) * scopes.length;
  });
  // A few are for ourselves, and the server keeps three for its administrator.
  expect(2 * sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(maxConnections - 8);
});
