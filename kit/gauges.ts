import { monitorEventLoopDelay } from "node:perf_hooks";
import type { CollectionResult, GaugeMetricData, MetricProducer } from "@opentelemetry/sdk-metrics";
import { type AttributesOf, exportedName, type Gauge, metrics } from "../contracts/metrics.js";

/** A gauge as it was read. */
export type Reading = { [N in Gauge]: { name: N; value: number; attributes: AttributesOf<N> } }[Gauge];
/** Reads gauges that belong together; throws when it cannot. */
export type Read = () => Promise<Reading[]>;
export type Seen = { at: number; readings: Reading[] };

type Sdk = typeof import("@opentelemetry/sdk-metrics");

/** What was read last, for the exporter. The SDK's own gauges show for ever what they once have shown. */
export function gaugesOf({ AggregationTemporality, DataPointType }: Sdk, seen: () => Seen[]): MetricProducer {
  function data(name: Gauge, readings: Reading[]): GaugeMetricData {
    const { unit, says: description } = metrics[name];
    return {
      descriptor: { name: exportedName(name), unit, description, valueType: 1 },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPointType: DataPointType.GAUGE,
      dataPoints: readings.map(({ value, attributes }) => ({ value, attributes, startTime: [0, 0], endTime: [0, 0] })),
    };
  }
  return {
    async collect() {
      const readings = seen().flatMap((one) => one.readings);
      const names = [...new Set(readings.map(({ name }) => name))];
      const all = names.map((name) =>
        data(
          name,
          readings.filter((reading) => reading.name === name),
        ),
      );
      // The resource is the meter provider's, whatever is said here.
      const resourceMetrics = { scopeMetrics: [{ scope: { name: "orders" }, metrics: all }] };
      return { resourceMetrics, errors: [] } as unknown as CollectionResult;
    },
  };
}

/** Milliseconds between two looks at the clock; a look in time counts as so much. */
const resolution = 20;

/** The process itself. CPU is a counter: `used` is told the seconds since the last reading. */
export function ofProcess(used: (seconds: number) => void): Read {
  const delay = monitorEventLoopDelay({ resolution });
  delay.enable();
  let told = 0;
  return async () => {
    const { user, system } = process.cpuUsage();
    const seconds = (user + system) / 1e6;
    used(seconds - told);
    told = seconds;
    const late = Math.max(0, delay.percentile(99) / 1e9 - resolution / 1000);
    delay.reset();
    return [
      { name: "process.uptime", value: process.uptime(), attributes: {} },
      { name: "process.memory.usage", value: process.memoryUsage.rss(), attributes: {} },
      { name: "nodejs.eventloop.delay.p99", value: late, attributes: {} },
    ];
  };
}
