import { Refusal } from "./say.js";

/** Where an OpenTelemetry Collector listens for OTLP over HTTP, as that of deploy/observability/compose.yml does. */
const collector = "http://127.0.0.1:4318";

/** Grafana of deploy/observability/compose.yml, where the console's links to traces lead when nobody says otherwise. */
const trace = { refId: "A", queryType: "traceql", query: "TRACE" };
const pane = { datasource: "tempo", queries: [trace], range: { from: "now-7d", to: "now" } };
const grafana = `http://127.0.0.1:3000/explore?schemaVersion=1&orgId=1&panes=${encodeURIComponent(JSON.stringify({ a: pane }))}`;

/**
 * What tells apps and sidecars to send their spans to an OTLP endpoint: OpenTelemetry's own variables, those that are set
 * included. Dapr takes no scheme for an answer and has to be told that there is no TLS.
 */
export function telemetryEnv(env: NodeJS.ProcessEnv): Record<string, string> {
  const set = Object.entries(env).filter(([name, value]) => name.startsWith("OTEL_") && value);
  const given = Object.fromEntries(set) as Record<string, string>;
  const endpoint = given.OTEL_EXPORTER_OTLP_ENDPOINT ?? collector;
  if (!/^https?:/.test(endpoint) || !URL.canParse(endpoint))
    throw new Refusal(`OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint} is no URL: use for example ${collector}.`);
  return {
    ...given,
    ...(endpoint === collector && { TRACE_URL: env.TRACE_URL ?? grafana.replace("TRACE", "{trace_id}") }),
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    OTEL_EXPORTER_OTLP_INSECURE: String(endpoint.startsWith("http:")),
  };
}
