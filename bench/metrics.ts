import { redis } from "../tools/redis-client.js";

/** One line of what a process says about itself in Prometheus' text format. */
export type Metric = { name: string; labels: Record<string, string>; value: number };

export async function metricsAt(port: number): Promise<Metric[]> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  if (!answer.ok) throw new Error(`Port ${port} answered ${answer.status} when it was asked for its metrics.`);
  return parseMetrics(await answer.text());
}

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const label = /(\w+)="((?:[^"\\]|\\.)*)"/g;

export function parseMetrics(text: string): Metric[] {
  return text.split("\n").flatMap((one) => {
    const [, name, labels = "", value] = line.exec(one) ?? [];
    if (name === undefined) return [];
    const pairs = [...labels.matchAll(label)].map(([, key, said]) => [key, said!.replace(/\\(.)/g, unescaped)]);
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }];
  });
}

const unescaped = (_: string, char: string) => (char === "n" ? "\n" : char);

/** What the series of that name add up to, or those of them that have these labels. */
export function total(metrics: Metric[], name: string, labels: Record<string, string> = {}): number {
  return metrics
    .filter((metric) => metric.name === name && Object.entries(labels).every(([key, is]) => metric.labels[key] === is))
    .reduce((sum, { value }) => sum + value, 0);
}

/** What Redis says about itself, as text by name. */
export async function redisInfo(port: number, ...sections: string[]): Promise<Record<string, string>> {
  const texts = await Promise.all(sections.map((section) => redis(port, ["INFO", section])));
  return parseInfo(texts.join(""));
}

export function parseInfo(text: string): Record<string, string> {
  const fields = text.split("\r\n").filter((one) => one && !one.startsWith("#"));
  return Object.fromEntries(fields.map((one) => [one.slice(0, one.indexOf(":")), one.slice(one.indexOf(":") + 1)]));
}

/** How often Redis did a command, from its `commandstats`. */
export function callsOf(info: Record<string, string>, command: string): number {
  return Number(/^calls=(\d+)/.exec(info[`cmdstat_${command}`] ?? "")?.[1] ?? 0);
}
