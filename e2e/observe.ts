import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { combinations, exportedName, metrics, type Name } from "../contracts/metrics.js";
import { run } from "../tools/shell.js";
import { aDay, plain } from "./support/busy.js";
import { dashboards, filled, folder, queries } from "./support/dashboards.js";
import { hasData, labelValues, now, promtool, rules, startPrometheus, targets } from "./support/prometheus.js";
import { appIds, type Sample, type Scrape, scrape, seriesOf, sidecarText, textOf } from "./support/scrape.js";
import { type AppId, eventually, place, port, processes, reaches, signedIn, sql } from "./support/system.js";

// The system as its operators see it: a real Prometheus scrapes a run in which everything happens.

/** Between two readings of a gauge, and a little. */
const reading = 16_000;
const longAgo = "2026-01-01T00:00:00.000Z";

let product: string;
let prometheus: Awaited<ReturnType<typeof startPrometheus>>;
beforeAll(async () => {
  prometheus = await startPrometheus();
  product = await aDay();
  await sleep(reading);
}, 300_000);
afterAll(() => void prometheus?.kill());

const everyApp = async () => new Map(await Promise.all(appIds.map(async (app) => [app, await scrape(app)] as const)));
const names = Object.keys(metrics) as Name[];

test("every target of the configuration answers", async () => {
  const all = await targets();
  expect(all.filter(({ health }) => health !== "up")).toEqual([]);
  expect(all.length).toBe(2 * appIds.length + 2);
});

test.each(queries)("%s: %s (%s) shows something", async (_file, _panel, _target, expr) => {
  expect(await hasData(filled(expr))).toBe(true);
});

test.each(
  dashboards.flatMap(([file, { templating }]) =>
    templating.list.map(({ name, query }) => [file, name, query.query] as const),
  ),
)("%s: $%s has values", async (_file, name, query) => {
  const [, series, label] = /^label_values\((.+), (\w+)\)$/.exec(query) as unknown as [string, string, string];
  expect((await labelValues(series, label)).length, name).toBe(appIds.length);
});

test("promtool takes configuration and rules, and every alert fires where it should and is silent where it should be", async () => {
  const checked = await run(promtool, ["check", "config", "prometheus.yml"], { cwd: join(process.cwd(), folder) });
  expect(checked, checked.output).toMatchObject({ code: 0 });
  const tested = await run(promtool, ["test", "rules", "tests/alerts.yml"], { cwd: join(process.cwd(), folder) });
  expect(tested, tested.output).toMatchObject({ code: 0 });
});

test("every rule is evaluated without an error, and every recorded one gives numbers", async () => {
  const all = await rules();
  expect(all.length).toBeGreaterThan(30);
  expect(all.filter(({ health }) => health !== "ok")).toEqual([]);
  const recorded = [...new Set(all.map(({ name }) => name).filter((name) => name.includes(":")))];
  const empty = await Promise.all(recorded.map(async (name) => ((await hasData(name)) ? [] : [name])));
  expect(empty.flat()).toEqual([]);
});

/** What is wrong with the samples of one metric at one app, by the table. */
function wrongIn(app: AppId, samples: Sample[]): string[] {
  return samples.flatMap(({ name, labels: { le: _, ...labels } }) => {
    const metric = names.find((one) => exportedName(one) === name);
    if (!metric || !metrics[metric].by.some((one) => one === app)) return [`${app}: ${name} is not documented`];
    const attributes = Object.keys(metrics[metric].attributes).map((attribute) => attribute.replaceAll(".", "_"));
    if (Object.keys(labels).sort().join() !== attributes.sort().join())
      return [`${app}: ${name} ${Object.keys(labels)}`];
    const allowed = combinations(metric, app)?.map((some) => JSON.stringify(Object.values(some).sort()));
    return !allowed || allowed.includes(JSON.stringify(Object.values(labels).sort()))
      ? []
      : [`${app}: ${name} ${JSON.stringify(labels)}`];
  });
}

test("an app shows what is documented of it, all of it, and nothing else", async () => {
  for (const [app, { samples, types, units, helps }] of await everyApp()) {
    expect(wrongIn(app, samples)).toEqual([]);
    const its = names.filter((name) => metrics[name].by.some((one) => one === app));
    const facts = its.map((name) => [exportedName(name), metrics[name]] as const);
    expect(types).toEqual(Object.fromEntries(facts.map(([name, { kind }]) => [name, kind])));
    expect(units).toEqual(Object.fromEntries(facts.map(([name, { unit }]) => [name, unit])));
    expect(helps).toEqual(Object.fromEntries(facts.map(([name, { says }]) => [name, says])));
  }
});

type Numbers = Record<string, number>;
/** What is shown is what is stored, as soon as both are of the same moment. */
async function agree(query: string, label: string, stored: () => Promise<Numbers>, seconds = 10): Promise<void> {
  const both = async () => [await now(query, label), await stored()];
  const [shown, right] = await eventually(both, ([a, b]) => isDeepStrictEqual(a, b), seconds);
  expect(shown).toEqual(right);
}

const inHistory = (what: string, where: string) => async (): Promise<Numbers> => {
  const statement = `SELECT ${what}, count(*) FROM state WHERE starts_with(key, 'history:') AND ${where} GROUP BY 1`;
  return Object.fromEntries(await sql<[string, number][]>("order", "query", statement));
};

test("changes are counted once each: the counters say what the stored histories say", async () => {
  const placing = "value->>'name' IN ('place', 'place upstream')";
  const moved = inHistory("value->>'status'", `value->>'kind' = 'status' AND NOT ${placing}`);
  await agree("sum by (to) (orders_transitions_total) > 0", "to", moved);
  const from = "CASE value->>'name' WHEN 'place' THEN 'api' ELSE 'upstream' END";
  await agree("orders_placed_total", "from", inHistory(from, placing));
  await agree("saga_repeats_total", "app", inHistory("'order'", "value->>'name' = 'asked again'"));
  const back = 'sum by (of) (orders_compensations_total{of="stock"})';
  await agree(back, "of", inHistory("'stock'", "value->>'name' = 'inventory.released'"));
});

test("the gauges say what is stored", async () => {
  const open = `SELECT value->>'status', count(*) FROM state WHERE starts_with(key, 'order:')
    AND value->>'status' NOT IN ('delivered', 'cancelled') GROUP BY 1`;
  const stored = async () => Object.fromEntries(await sql<[string, number][]>("order", "query", open));
  await agree("max by (status) (orders_open) > 0", "status", stored, reading / 1000);
  expect(await now("dead_letters_waiting > 0", "app")).toEqual({ order: 3 });
  expect(await now('orders_refunds_pending{by="staff"}', "by")).toEqual({ staff: 3 });
  expect(await now("orders_stuck", "phase")).toEqual({ paying: 0, giving_back: 0 });
});

test("what stands still is seen: orders past their time, and messages that cannot be said", async () => {
  const set = (id: string, path: string, value: unknown) =>
    sql(
      "order",
      "exec",
      `UPDATE state SET value = jsonb_set(value, '{${path}}', '${JSON.stringify(value)}') WHERE key = 'order:${id}'`,
    );
  const [[owed, cancelled_at]] = await sql<[[string, string]]>(
    "order",
    "query",
    `SELECT value->>'id', value->>'cancelled_at' FROM state WHERE starts_with(key, 'order:')
     AND value->>'status' = 'cancelled' AND value->'refunds'->0->>'status' = 'pending' LIMIT 1`,
  );
  const ada = await signedIn("ada");
  onTestFinished(async () => {
    await processes.start("redis");
    await set(owed, "payment,external", true);
    await set(owed, "cancelled_at", cancelled_at);
  });
  await processes.stop("redis");
  const { body } = await place(ada, product, 1, "card_ok");
  await set(body.id, "pay_by", longAgo);
  await set(owed, "cancelled_at", longAgo);
  await set(owed, "payment,external", false);

  await agree("orders_stuck", "phase", async () => ({ paying: 1, giving_back: 1 }), 2 * (reading / 1000));
  await agree("orders_refunds_pending", "by", async () => ({ provider: 1, staff: 2 }));
  const age = await eventually(
    () => now("outbox_oldest_age_seconds > 2", "app"),
    ({ order = 0 }) => order > 2,
  );
  expect(Object.keys(age)).toEqual(["order"]);
  expect(Object.keys(await now("outbox_pending > 0", "app"))).toEqual(["order"]);

  await processes.start("redis");
  expect(await reaches(ada, body.id, "processing", 60)).toMatchObject({ status: "processing" });
});

const ids = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[\w.]+@[\w.]+/;
/** What goes wrong now and then, or is seen for the first time, is no order's own. */
const rightAway = (series: string) => !/"(failed|unknown|5\d\d|4\d\d)"/.test(series);

test("no series belongs to an order: another hundred orders bring no new one, and no label holds an id", async () => {
  const seen = (all: Map<AppId, Scrape>) =>
    [...all].flatMap(([app, one]) => seriesOf(one).map((each) => `${app} ${each}`));
  const before = seen(await everyApp());
  await plain(product, 100);
  const after = seen(await everyApp());
  expect(after.filter((series) => rightAway(series) && !before.includes(series))).toEqual([]);
  const texts = await Promise.all([...appIds.map(sidecarText), ...[6052, 6062].map((at) => textOf(port(at)))]);
  expect(texts.flatMap((text) => ids.exec(text)?.[0] ?? [])).toEqual([]);
  expect(after.filter((series) => ids.test(series))).toEqual([]);
});

test("all apps together stay below 4000 lines, each below 1500", async () => {
  const lines = [...(await everyApp()).values()].map(({ samples }) => samples.length);
  expect(Math.max(...lines)).toBeLessThan(1_500);
  expect(lines.reduce((sum, one) => sum + one, 0)).toBeLessThan(4_000);
});
