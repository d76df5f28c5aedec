import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { exportedName, metrics, type Name } from "../contracts/metrics.js";
import { dashboards, folder, queries } from "../e2e/support/dashboards.js";
import { readApps } from "../tools/dapr-file.js";
import { appMetricsPort } from "../tools/dapr-flags.js";
import { infraPorts, instanceOf } from "../tools/instance.js";

type Rule = { alert?: string; record?: string; expr: string; annotations?: { runbook_url?: string; summary?: string } };
const rulesIn = (file: string): Rule[] =>
  parse(readFileSync(join(folder, "rules", file), "utf8"), { merge: true }).groups.flatMap(
    ({ rules }: { rules: Rule[] }) => rules,
  );
const rules = readdirSync(join(folder, "rules")).flatMap(rulesIn);
const alerts = rules.filter((rule): rule is Rule & { alert: string } => rule.alert !== undefined);

test("Prometheus scrapes what dapr.yaml describes: every app, every sidecar, placement and scheduler", () => {
  type Job = { job_name: string; static_configs: { targets: string[]; labels: { app: string } }[] };
  const { scrape_configs } = parse(readFileSync(join(folder, "prometheus.yml"), "utf8")) as { scrape_configs: Job[] };
  const found = scrape_configs.flatMap(({ job_name, static_configs }) =>
    static_configs.map(({ targets, labels }) => `${job_name} ${labels.app} ${targets}`),
  );
  const instance = instanceOf({ portBase: 8080 });
  const { placementMetrics, schedulerMetrics } = infraPorts(instance);
  const apps = readApps("dapr.yaml", instance);
  expect(found.sort()).toEqual(
    [
      ...apps.map((app) => `apps ${app.appID} 127.0.0.1:${appMetricsPort(app)}`),
      ...apps.map((app) => `sidecars ${app.appID} 127.0.0.1:${app.metricsPort}`),
      `control-plane placement 127.0.0.1:${placementMetrics}`,
      `control-plane scheduler 127.0.0.1:${schedulerMetrics}`,
    ].sort(),
  );
});

test("every alert names a page that says what to do, and every page is of an alert", () => {
  for (const { alert, annotations } of alerts)
    expect(annotations).toMatchObject({ runbook_url: `docs/runbooks/${alert}.md`, summary: expect.any(String) });
  const pages = readdirSync("docs/runbooks").map((file) => file.replace(/\.md$/, ""));
  expect([...new Set(alerts.map(({ alert }) => alert))].sort()).toEqual(pages.sort());
});

test.each(readdirSync("docs/runbooks"))("docs/runbooks/%s says what it means, where to look and what to do", (file) => {
  const text = readFileSync(join("docs/runbooks", file), "utf8");
  expect(text.startsWith(`# ${file.replace(/\.md$/, "")}\n`)).toBe(true);
  for (const part of ["**Means.**", "**Look.**", "**Do.**"]) expect(text).toContain(part);
  const links = [...text.matchAll(/\]\((\w+\.md)\)/g)].map(([, page]) => page);
  expect(links.filter((page) => !readdirSync("docs/runbooks").includes(page as string))).toEqual([]);
  const commands = [...text.matchAll(/npm run (\w+)/g)].map(([, command]) => command as string);
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
  expect(commands.filter((command) => !scripts[command])).toEqual([]);
});

test("every alert is tested where it fires and where it does not", () => {
  type Case = { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] };
  const { tests } = parse(readFileSync(join(folder, "tests/alerts.yml"), "utf8")) as { tests: Case[] };
  const all = tests.flatMap(({ alert_rule_test }) => alert_rule_test);
  const fires = new Set(all.filter(({ exp_alerts }) => exp_alerts.length > 0).map(({ alertname }) => alertname));
  const names = [...new Set(alerts.map(({ alert }) => alert))].sort();
  expect([...fires].sort()).toEqual(names);
});

/** Names of metrics in a query, without what a histogram adds. */
const namesIn = (expr: string) =>
  [
    ...expr
      .replaceAll(/"[^"]*"|by \([^)]*\)/g, "")
      .matchAll(/(?<![\w:])([a-z][a-z0-9_]*_[a-z0-9_]+|up)\b(?=[{[) ]|$)/g),
  ].map(([, name]) => (name as string).replace(/_(bucket|sum|count)$/, ""));
const ours = new Set((Object.keys(metrics) as Name[]).map(exportedName));
const others = /^(up|(dapr|go|process)_\w+|histogram_quantile|avg_over_time|sort_desc)$/;

test.each([
  ...queries.map(([file, , , expr]) => [file, expr] as const),
  ...rules.map(({ expr }) => ["rules", expr] as const),
])("%s: what is asked for is documented: %s", (_, expr) => {
  expect(namesIn(expr).filter((name) => !ours.has(name) && !others.test(name))).toEqual([]);
});

test.each(dashboards)(
  "%s: every panel says what it shows, in which unit, and has a place of its own",
  (_, { uid, panels, schemaVersion }) => {
    expect(uid).toMatch(/^orders-/);
    expect(schemaVersion).toBeGreaterThanOrEqual(36);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const shown = panels.filter(({ type }) => type !== "row");
    for (const { title, description, fieldConfig, datasource, targets = [] } of shown) {
      expect([title, description, fieldConfig?.defaults.unit]).toEqual([title, expect.any(String), expect.any(String)]);
      expect(
        [datasource, ...targets.map((target) => target.datasource)].every((one) => one?.uid === "prometheus"),
      ).toBe(true);
      expect(targets.length).toBeGreaterThan(0);
    }
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)}:${y + Math.floor(n / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  },
);
