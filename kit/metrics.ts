import type { Meter } from "@opentelemetry/api";
import type { MetricProducer } from "@opentelemetry/sdk-metrics";
import {
  type AttributesOf,
  type Counter,
  combinations,
  exportedName,
  type Histogram,
  methods,
  metrics,
  type Name,
  type Service,
} from "../contracts/metrics.js";
import { every } from "./every.js";
import { gaugesOf, ofProcess, type Read, type Seen } from "./gauges.js";
import type { Logger } from "./log.js";

type Sink = (name: Name, value: number, attributes: Record<string, string>) => void;
/** Until metrics are asked for, what is recorded goes nowhere. */
let sink: Sink | undefined;

export function count<N extends Counter>(name: N, attributes: AttributesOf<N>, value = 1): void {
  sink?.(name, value, attributes as Record<string, string>);
}

/** `value` in the unit of the table. */
export function measure<N extends Histogram>(name: N, value: number, attributes: AttributesOf<N>): void {
  sink?.(name, value, attributes as Record<string, string>);
}

type Timed = { [N in Histogram]: "outcome" extends keyof AttributesOf<N> ? N : never }[Histogram];
type Outcome<N extends Timed> = AttributesOf<N>["outcome"];

/** Does the work and records how long it took and what came of it; "failed" when it throws. */
export async function timed<N extends Timed, T>(
  name: N,
  attributes: Omit<AttributesOf<N>, "outcome">,
  work: () => Promise<T>,
  outcomeOf: (result: T) => Outcome<N>,
): Promise<T> {
  if (!sink) return work();
  const started = performance.now();
  let outcome: string = "failed";
  try {
    const result = await work();
    outcome = outcomeOf(result);
    return result;
  } finally {
    sink(name, (performance.now() - started) / 1000, { ...(attributes as Record<string, string>), outcome });
  }
}

type Answered = { method: string; status: number; route?: string | undefined };
const isKnown = (method: string) => methods.find((known) => known === method);

/** A request that was answered; `started` as `performance.now()` told it. */
export function measureRequest({ method, status, route = "" }: Answered, started: number): void {
  if (!sink) return;
  measure("http.server.request.duration", (performance.now() - started) / 1000, {
    "http.request.method": isKnown(method) ?? "_OTHER",
    "http.route": route,
    "http.response.status_code": String(status),
  });
}

const pause = 15_000;
/** What could not be read for so long is not shown any more. */
const patience = 60_000;

type Env = { METRICS_PORT?: number | undefined; OTEL_METRICS_EXPORTER?: string | undefined; HOST: string };
type Sdk = typeof import("@opentelemetry/sdk-metrics");

/**
 * Serves Prometheus at METRICS_PORT, where there is one, and with OTEL_METRICS_EXPORTER=otlp also sends what it serves;
 * without a port nothing is loaded, and nothing recorded. Gives how to begin with gauges. They are read every 15 s, whoever
 * asks: no scrape waits for a database, and no database feels who scrapes.
 */
export async function startMetrics(service: Service, env: Env, log: Logger) {
  const { METRICS_PORT, HOST } = env;
  if (METRICS_PORT === undefined) return { read: (_: Read[]): void => undefined };
  const sdk = await import("@opentelemetry/sdk-metrics");
  const { PrometheusExporter } = await import("@opentelemetry/exporter-prometheus");
  const seen = new Map<Read, Seen>();
  const fresh = () => [...seen.values()].filter(({ at }) => Date.now() - at < patience);
  const exporter = new PrometheusExporter({
    host: HOST,
    port: METRICS_PORT,
    preventServerStart: true,
    withoutScopeInfo: true,
    withoutTargetInfo: true,
    metricProducers: [gaugesOf(sdk, fresh)],
  });
  const pushed = env.OTEL_METRICS_EXPORTER === "otlp" ? [await pusher(sdk, gaugesOf(sdk, fresh))] : [];
  const resource = (await import("@opentelemetry/resources")).resourceFromAttributes({ "service.name": service });
  const provider = new sdk.MeterProvider({ resource, readers: [exporter, ...pushed] });
  sink = instruments(service, provider.getMeter("orders"));
  await exporter.startServer().catch((error) => log.error({ err: error, METRICS_PORT }, "metrics cannot be served"));

  const away = (error: unknown) =>
    log.warn({ err: error }, "a gauge cannot be read, its last value stays for a minute");
  function watch(read: Read): void {
    every(pause, async () => void seen.set(read, { at: Date.now(), readings: await read() }), away);
  }
  watch(ofProcess((seconds) => count("process.cpu.time", {}, seconds)));
  return { read: (reads: Read[]): void => reads.forEach(watch) };
}

/** Sends the same to the OTLP endpoint, for who does not scrape. */
async function pusher({ PeriodicExportingMetricReader }: Sdk, gauges: MetricProducer) {
  const { OTLPMetricExporter } = await import("@opentelemetry/exporter-metrics-otlp-proto");
  const exporter = new OTLPMetricExporter();
  return new PeriodicExportingMetricReader({ exporter, metricProducers: [gauges], exportIntervalMillis: pause });
}

/** Counters begin at 0 where the table has all their values: of one that begins at 1, nobody sees the step. */
function instruments(service: Service, meter: Meter): Sink {
  const all = new Map<Name, (value: number, attributes: Record<string, string>) => void>();
  for (const name of Object.keys(metrics) as Name[]) {
    const { kind, unit, says: description, by } = metrics[name];
    if (kind === "gauge" || !by.some((other) => other === service)) continue;
    if (kind === "histogram") {
      const advice = { explicitBucketBoundaries: [...metrics[name as Histogram].buckets] };
      const histogram = meter.createHistogram(exportedName(name), { unit, description, advice });
      all.set(name, (value, attributes) => histogram.record(value, attributes));
    } else {
      const counter = meter.createCounter(exportedName(name), { unit, description });
      for (const attributes of combinations(name, service) ?? []) counter.add(0, attributes);
      all.set(name, (value, attributes) => counter.add(value, attributes));
    }
  }
  return (name, value, attributes) => all.get(name)?.(value, attributes);
}
