import type { Client } from "../client/client.js";
import { demoAccounts, demoProducts } from "../contracts/demo.js";
import { got } from "../tools/demo-client.js";
import { pause } from "../tools/say.js";
import { quantile } from "./figures.js";
import { type Ground, type Options, onSystem, say, untilQuiet } from "./ground.js";
import { manyOrders } from "./many.js";
import { signedIn, until } from "./people.js";
import { cpuOf } from "./usage.js";

const limit = 20;
const full = { sizes: [1_000, 100_000, 1_000_000], pages: 120, idleMs: 15_000 };
const small = { sizes: [1_000, 10_000], pages: 30, idleMs: 3_000 };
/** CPU is the median of so many parts: what runs beside now and then counts in one of them. */
const parts = 3;

type List = () => Promise<unknown>;
type Page = { p50: number; p99: number; cpuMs: number };
type Many = Awaited<ReturnType<typeof manyOrders>>;

/** What a page costs with few and with very many orders stored: latency and the CPU of all server processes, as ratios. */
export async function measureLists(options: Options): Promise<void> {
  say("lists: starting the system …");
  const { sizes } = options.quick ? small : full;
  const { found, idle } = await onSystem(options, {}, compared);
  for (const [name, costs] of found) console.log(lineOf(name, sizes, costs, options.quiet));
  console.log(idleLineOf(sizes, idle, options.quiet));
}

async function compared({ urls, roots, dir, portBase, quick }: Ground) {
  const { sizes, pages, idleMs } = quick ? small : full;
  const found = new Map<string, Page[]>();
  const idle: Idle[] = [];
  const everybody = await people(urls[0]!);
  const many = await manyOrders(portBase, dir);
  try {
    for (const size of sizes) {
      await many.store(size);
      if (size === sizes[0]) await warmUp(lists(everybody), pages);
      await untilQuiet();
      for (const [name, list] of Object.entries(lists(everybody))) {
        const cost = await measured(list, name === offsetList ? pages / 10 : pages, roots);
        say(`lists: ${name}: p50 ${cost.p50} ms, CPU ${cost.cpuMs} ms`);
        found.set(name, [...(found.get(name) ?? []), cost]);
      }
      say(`lists: ${idleMs / 1000} s of nobody asking …`);
      idle.push(await left(many, idleMs, roots));
    }
  } finally {
    await many.close();
  }
  return { found, idle };
}

type People = { admin: Client; staff: Client; ada: Client; id: string; payment_id: string };

/** Those who ask, and one real order, which is then copied. */
async function people(url: string): Promise<People> {
  const [admin, staff, ada] = await Promise.all([signedIn(url, "admin"), signedIn(url, "staff"), signedIn(url, "ada")]);
  const items = [demoProducts[0]!, demoProducts[1]!].map(({ id }) => ({ product_id: id, quantity: 1 }));
  const body = { items, payment_method: "card_ok" as const };
  const { id } = await got(ada.placeOrder({ headers: { "idempotency-key": "the first" }, body }));
  await until(ada, id, ["processing"], 100);
  while ((await got(ada.notifications({}))).items.length < 3) await pause(100);
  const [payment] = (await got(ada.payments({ params: { id } }))).items;
  return { admin, staff, ada, id, payment_id: payment!.payment_id };
}

/** The lists as their readers ask for them. */
function lists({ admin, staff, ada, id, payment_id }: People): Record<string, List> {
  const order = { params: { id } };
  const hers = { params: { customer_id: demoAccounts[2].id } };
  return {
    customer: fullPage(() => got(ada.orders({ query: { limit } }))),
    "customer and status": fullPage(() => got(ada.orders({ query: { limit, status: "shipped" } }))),
    "customer, a status of none": () => got(ada.orders({ query: { limit, status: "paid" } })),
    "customer, by staff": fullPage(() => got(staff.ordersOfCustomer({ ...hers, query: { limit } }))),
    status: fullPage(() => got(staff.orders({ query: { limit, status: "shipped" } }))),
    plain: fullPage(() => got(staff.orders({ query: { limit } }))),
    "plain, a page in the middle": deep(staff),
    "plain, offset 500": fullPage(() => got(staff.orders({ query: { limit, offset: 500 } }))),
    [offsetList]: () => got(staff.orders({ query: { limit, offset: 100_000 } })),
    "an order": () => got(ada.order(order)),
    "its timeline": () => got(ada.timeline({ ...order, query: { limit } })),
    "its payments": () => got(ada.payments(order)),
    "a payment": () => got(ada.payment({ params: { id: payment_id } })),
    notifications: fullPage(() => got(ada.notifications({ query: { limit } }))),
    "dead letters": fullPage(() => got(admin.deadLetters({ query: { limit } }))),
    "last reconciliation": () => got(admin.reconciliation()),
  };
}

/** A short page would cost less, and say nothing. */
function fullPage(ask: () => Promise<{ items: unknown[] }>): List {
  return async () => {
    const { items } = await ask();
    if (items.length < limit) throw new Error(`A page has ${items.length} and not ${limit} items.`);
  };
}

async function warmUp(asked: Record<string, List>, pages: number) {
  say("lists: warming up …");
  for (let n = 0; n < pages; n++) for (const list of Object.values(asked)) await list();
}

/** Its rows are counted one by one up to the offset, which is why it ends at 100,000. */
const offsetList = "plain, offset 100,000";

/** Page 20 by its cursor: found once for each size, then asked again and again. */
function deep(staff: Client): List {
  let cursor: string | null | undefined;
  let pages = 0;
  const page = () => got(staff.orders({ query: { limit, cursor: cursor ?? undefined } }));
  const asked = fullPage(page);
  return async () => {
    for (; pages < 20; pages++) cursor = (await page()).next_cursor;
    return asked();
  };
}

type Roots = () => Record<string, number>;

async function measured(list: List, pages: number, roots: Roots): Promise<Page> {
  for (let n = 0; n < pages / 10; n++) await list();
  const used = () => Object.values(cpuOf(roots())).reduce((sum, ms) => sum + ms, 0);
  const times: number[] = [];
  const cpu: number[] = [];
  for (let part = 0; part < parts; part++) {
    const before = used();
    for (let n = 0; n < pages / parts; n++) {
      const began = performance.now();
      await list();
      times.push(performance.now() - began);
    }
    cpu.push((used() - before) / (pages / parts));
  }
  return { p50: quantile(times, 0.5)!, p99: quantile(times, 0.99)!, cpuMs: quantile(cpu, 0.5)! };
}

/** What runs by itself: PostgreSQL's CPU for it, and where it read the table instead of an index. */
type Idle = { cpuMsPerSecond: number; scanned: Record<string, number> };

async function left(many: Many, ms: number, roots: Roots): Promise<Idle> {
  const before = await many.scanned();
  const cpuBefore = cpuOf(roots()).postgres ?? 0;
  await pause(ms);
  const used = (cpuOf(roots()).postgres ?? 0) - cpuBefore;
  const after = await many.scanned();
  const scanned = Object.fromEntries(Object.entries(after).map(([name, rows]) => [name, rows - before[name]!]));
  return { cpuMsPerSecond: Number(((used * 1000) / ms).toFixed(1)), scanned };
}

const ratio = (costs: number[]) => Number((costs.at(-1)! / costs[0]!).toFixed(2));

function lineOf(list: string, sizes: number[], costs: Page[], json: boolean): string {
  const figures = {
    list,
    orders: sizes,
    p50_ms: costs.map(({ p50 }) => p50),
    p99_ms: costs.map(({ p99 }) => p99),
    cpu_ms_per_page: costs.map(({ cpuMs }) => Number(cpuMs.toFixed(2))),
  };
  const p50_ratio = ratio(figures.p50_ms);
  const cpu_ratio = ratio(figures.cpu_ms_per_page);
  if (json) return JSON.stringify({ ...figures, p50_ratio, cpu_ratio });
  const note = list === offsetList ? ", by nature not flat" : "";
  return `${list.padEnd(28)} p50 ${figures.p50_ms.join(" → ")} ms (× ${p50_ratio}), CPU ${figures.cpu_ms_per_page.join(" → ")} ms (× ${cpu_ratio})${note}`;
}

function idleLineOf(sizes: number[], idle: Idle[], json: boolean): string {
  const cpu = idle.map(({ cpuMsPerSecond }) => cpuMsPerSecond);
  const scanned = idle.map(({ scanned }) => scanned);
  if (json) return JSON.stringify({ list: "nobody asking", orders: sizes, postgres_cpu_ms_per_s: cpu, scanned });
  const last = Object.entries(scanned.at(-1)!).map(([name, rows]) => `${name} ${rows}`);
  return `${"nobody asking".padEnd(28)} PostgreSQL's CPU ${cpu.join(" → ")} ms a second; rows read without an index at the end: ${last.join(", ")}`;
}
