import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

// What is kept as JSON and YAML in deploy/observability, as far as it is looked at.

export const folder = "deploy/observability";
const dashboardsIn = join(folder, "dashboards");

type Target = { refId: string; expr: string; legendFormat: string; datasource: { uid: string } };
type Panel = {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource?: { uid: string };
  fieldConfig?: { defaults: { unit?: string } };
  targets?: Target[];
};
type Dashboard = {
  uid: string;
  schemaVersion: number;
  templating: { list: { name: string; query: { query: string } }[] };
  panels: Panel[];
};

export const dashboards: [file: string, Dashboard][] = readdirSync(dashboardsIn).map((file) => [
  file,
  JSON.parse(readFileSync(join(dashboardsIn, file), "utf8")) as Dashboard,
]);

/** Every query of every panel; what Grafana would fill in is in it as it is there. */
export const queries = dashboards.flatMap(([file, { panels }]) =>
  panels.flatMap(({ title, targets = [] }) => targets.map(({ refId, expr }) => [file, title, refId, expr] as const)),
);

/** A query as Grafana sends it when all apps are chosen, for a time as short as a test. */
export const filled = (expr: string) =>
  expr.replaceAll("$__rate_interval", "30s").replaceAll("$__range", "10m").replaceAll("$app", ".+");
