import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { prometheusCommands } from "../../tools/prometheus.js";
import { aloud } from "../../tools/say.js";
import { shift } from "../../tools/shift.js";
import { folder } from "./dashboards.js";
import { eventually, port } from "./system.js";

// A real Prometheus with the project's own configuration; only its ports are moved, and it looks every second.

const url = `http://127.0.0.1:${port(9090)}`;
export const { prometheus, promtool } = await prometheusCommands(aloud);

type Series = { metric: Record<string, string>; values: [number, string][] };
type Rule = { name: string; health: string; lastError?: string };

/** Starts it on a fresh folder; ready when it returns. */
export async function startPrometheus(): Promise<ChildProcess> {
  const dir = join(process.env.E2E_DIR as string, "prometheus");
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const described = parse(readFileSync(join(folder, "prometheus.yml"), "utf8"));
  const config = shift(described, { offset: port(0), dir: "" });
  config.global = { scrape_interval: "1s", evaluation_interval: "1s" };
  config.rule_files = [resolve(folder, "rules/*.yml")];
  const file = join(dir, "prometheus.yml");
  writeFileSync(file, stringify(config));
  const log = openSync(join(dir, "log"), "w");
  const args = [`--config.file=${file}`, `--storage.tsdb.path=${dir}/data`, `--web.listen-address=${url.slice(7)}`];
  const started = spawn(prometheus, args, { stdio: ["ignore", log, log] });
  const ready = await eventually(
    () => fetch(`${url}/-/ready`),
    ({ ok }) => ok,
  );
  if (!ready.ok) throw new Error(`Prometheus did not start:\n${readFileSync(join(dir, "log"), "utf8")}`);
  return started;
}

async function ask<T>(path: string, params: Record<string, string> = {}): Promise<T> {
  const answer = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(params)}`);
  const { data, error } = (await answer.json()) as { data: T; error?: string };
  if (error) throw new Error(`${params.query ?? path}: ${error}`);
  return data;
}

/** What a query gave in the last minutes, second by second. */
export async function history(query: string, seconds = 300): Promise<Series[]> {
  const end = Date.now() / 1000;
  const range = { query, start: String(end - seconds), end: String(end), step: "1" };
  return (await ask<{ result: Series[] }>("query_range", range)).result;
}

/** Whether a query has ever given a number in the last minutes. */
export async function hasData(query: string): Promise<boolean> {
  const all = await history(query);
  return all.some(({ values }) => values.some(([, value]) => Number.isFinite(Number(value))));
}

/** What a query gives now, by one label. */
export async function now(query: string, label: string): Promise<Record<string, number>> {
  const { result } = await ask<{ result: { metric: Record<string, string>; value: [number, string] }[] }>("query", {
    query,
  });
  return Object.fromEntries(result.map(({ metric, value: [, value] }) => [metric[label] ?? "", Number(value)]));
}

export const rules = async () =>
  (await ask<{ groups: { rules: Rule[] }[] }>("rules")).groups.flatMap((group) => group.rules);

export const targets = async () =>
  (await ask<{ activeTargets: { labels: { app: string; job: string }; health: string }[] }>("targets")).activeTargets;

/** What `label_values(series, label)` of a dashboard's variable gives. */
export const labelValues = (series: string, label: string) =>
  ask<string[]>(`label/${label}/values`, { "match[]": series });
