import { exportedName, metrics, type Name, services } from "../contracts/metrics.js";
import { table } from "./tables.js";

/** docs/metrics.md: every number of the apps, and where the others are. */
export function metricsPage(): string {
  const rows = (Object.keys(metrics) as Name[]).map((name) => {
    const { kind, unit, says, by } = metrics[name];
    const from = by.length === services.length ? "all" : by.join(", ");
    return [`\`${name}\`<br>\`${exportedName(name)}\``, kind, `\`${unit}\``, from, attributesOf(name), says];
  });
  return `<!-- Made by \`npm run docs\` from contracts/metrics.ts: change that. -->
# Metrics

An app that is given \`METRICS_PORT\` answers Prometheus there, at \`/metrics\`; without it nothing is counted. \`npm start -- --observe\`
gives each app its sidecar's metrics port plus 100: the gateway serves \`http://127.0.0.1:3900/metrics\`, its sidecar 3800. The scrape
configuration, rules and dashboards are in [deploy/observability](../deploy/observability).

The first name is OpenTelemetry's, the second the one that Prometheus sees; attributes become labels with underscores for dots. Gauges are
read from the database every 15 s; one that cannot be read keeps its value for a minute, then it is absent. Every replica shows
the same gauges, so take their \`max\`, and the \`sum\` of counters and histograms. Counters begin at 0 where all values of their
attributes are known, so that a first event shows as a step.

${table(["metric", "kind", "unit", "of", "attributes", "what"], rows)}

What is not here the sidecars tell (\`dapr_*\`, [Dapr's list](https://docs.dapr.io/operations/observability/metrics/metrics-overview/)):
workflows, resiliency policies, components, calls between services, and the scheduler's jobs. They count no paths
(\`increasedCardinality: false\`), because ours hold ids.
`;
}

function attributesOf(name: Name): string {
  return Object.entries(metrics[name].attributes)
    .map(([attribute, values]) => `\`${attribute}\`: ${said(values)}`)
    .join("<br>");
}

function said(values: unknown): string {
  if (Array.isArray(values)) return values.map((value) => `\`${value}\``).join(" ");
  return typeof values === "string" ? values : "the topics that it hears";
}
