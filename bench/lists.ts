import { type Client, createClient } from "../client/client.js";
import { demoAccounts, demoProducts } from "../contracts/demo.js";
import { got, opening, other, tokenOf } from "../tools/demo-client.js";
import { instanceOf } from "../tools/instance.js";
import { tokensOf } from "../tools/secrets.js";
import { launch } from "../tools/supervisor.js";
import type { Options } from "./bench.js";
import { quantile } from "./figures.js";
import { say, settings, untilQuiet, wipe } from "./ground.js";
import { cpuOf } from "./usage.js";

const sizes = [1_000, 100_000];
const batch = 10_000;
const apps = ["product", "user", "inventory", "order", "api-gateway"];
const statuses = ["payment_required", "paid", "processing", "shipped", "delivered", "cancelled"];

type List = (limit: number) => Promise<unknown>;
type Page = { p50: number; p99: number; cpuMs: number };

/** What a page costs with few and with many orders stored: latency and the CPU of all server processes, as ratios. */
export async function measureLists({ quick, quiet, portBase }: Options): Promise<void> {
  const rounds = quick ? 40 : 300;
  const { dir, offset } = instanceOf({ portBase, dir: `.run-bench-${portBase}` });
  await wipe(dir);
  say("lists: starting the gateway, order and what they need …");
  const instance = await launch({ portBase, dir, apps, quiet, settings });
  const found = new Map<string, Page[]>();
  try {
    const lists = await people(instance.url);
    const sidecar = other(`http://127.0.0.1:${3502 + offset}`, opening(tokensOf(dir, "order").api));
    const sql = (text: string) => sidecar("/v1.0/bindings/order-sql", { operation: "exec", metadata: { sql: text } });
    say("lists: warming up …");
    for (const list of Object.values(lists)) for (let n = 0; n < 4 * rounds; n++) await list(20);
    let stored = 1;
    for (const size of sizes) {
      say(`lists: storing ${size.toLocaleString("en")} orders …`);
      for (; stored < size; stored += Math.min(batch, size - stored))
        await sql(copies(stored, Math.min(batch, size - stored)));
      await sql("ANALYZE state");
      await untilQuiet();
      for (const [name, list] of Object.entries(lists)) {
        say(`lists: ${rounds} pages of ${name} …`);
        found.set(name, [...(found.get(name) ?? []), await measured(list, rounds, instance.roots)]);
      }
    }
  } finally {
    await instance.stop();
  }
  await wipe(dir);
  for (const [name, [few, many]] of found) console.log(lineOf(name, few!, many!, quiet));
}

/** One real order, whose row is then copied, and the lists as their readers ask for them. */
async function people(url: string): Promise<Record<string, List>> {
  const password = process.env.DEMO_PASSWORD ?? "demo-password-1";
  const signIn = async (email: string): Promise<Client> =>
    createClient({ url, token: await tokenOf(url, email, password) });
  const [ada, staff] = await Promise.all([signIn(demoAccounts[2].email), signIn(demoAccounts[1].email)]);
  const items = [demoProducts[0]!, demoProducts[1]!].map(({ id }) => ({ product_id: id, quantity: 1 }));
  await got(ada.placeOrder({ headers: { "idempotency-key": "the first" }, body: { items } }));
  return {
    customer: (limit) => got(ada.orders({ query: { limit } })),
    "customer and status": (limit) => got(ada.orders({ query: { limit, status: "shipped" } })),
    status: (limit) => got(staff.orders({ query: { limit, status: "shipped" } })),
    plain: (limit) => got(staff.orders({ query: { limit } })),
    "plain, a page in the middle": deep(staff),
  };
}

/** Page 20 by its cursor: found once for each size, then asked again and again. */
function deep(staff: Client): List {
  let cursor: string | null | undefined;
  let pages = 0;
  return async (limit) => {
    for (; pages < 20; pages++)
      cursor = (await got(staff.orders({ query: { limit, cursor: cursor ?? undefined } }))).next_cursor;
    return got(staff.orders({ query: { limit, cursor: cursor ?? undefined } }));
  };
}

/**
 * Copies of the first order, older by a second each, of every status. Every other one is the same customer's: the list of
 * somebody with few orders would prove nothing.
 */
const copies = (from: number, count: number) => `
  INSERT INTO state (key, value, isbinary)
  SELECT 'order:' || id, value || jsonb_build_object('id', id,
    'user_id', CASE n % 2 WHEN 0 THEN value->>'user_id' ELSE gen_random_uuid()::text END,
    'status', ('{${statuses.join(",")}}'::text[])[n / 2 % ${statuses.length} + 1],
    'created_at', to_char(now() at time zone 'utc' - n * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')), false
  FROM (SELECT value FROM state WHERE starts_with(key, 'order:') ORDER BY value->>'created_at' DESC LIMIT 1) AS first,
    (SELECT n, gen_random_uuid()::text AS id FROM generate_series(${from}, ${from + count - 1}) AS n) AS copy`;

async function measured(list: List, rounds: number, roots: () => Record<string, number>): Promise<Page> {
  for (let n = 0; n < 20; n++) await list(20);
  const used = () => Object.values(cpuOf(roots())).reduce((sum, ms) => sum + ms, 0);
  const before = used();
  const times: number[] = [];
  for (let n = 0; n < rounds; n++) {
    const began = performance.now();
    await list(20);
    times.push(performance.now() - began);
  }
  return { p50: quantile(times, 0.5)!, p99: quantile(times, 0.99)!, cpuMs: (used() - before) / rounds };
}

function lineOf(list: string, few: Page, many: Page, json: boolean): string {
  const ratio = (a: number, b: number) => Number((b / a).toFixed(2));
  const figures = {
    list,
    orders: sizes,
    p50_ms: [few.p50, many.p50],
    p99_ms: [few.p99, many.p99],
    cpu_ms_per_page: [few.cpuMs, many.cpuMs].map((ms) => Number(ms.toFixed(2))),
    p50_ratio: ratio(few.p50, many.p50),
    cpu_ratio: ratio(few.cpuMs, many.cpuMs),
  };
  if (json) return JSON.stringify(figures);
  return `${list.padEnd(28)} p50 ${figures.p50_ms.join(" → ")} ms (× ${figures.p50_ratio}), CPU ${figures.cpu_ms_per_page.join(" → ")} ms (× ${figures.cpu_ratio})`;
}
