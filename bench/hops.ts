import { randomUUID } from "node:crypto";
import { got, person } from "../tools/demo-client.js";
import { infraPorts, instanceOf } from "../tools/instance.js";
import { pause } from "../tools/say.js";
import { counters } from "./counters.js";
import { perOrder, perSecond, riseBetween } from "./counts.js";
import { rounded } from "./figures.js";
import { type Ground, type Options, onSystem, say, show, tell } from "./ground.js";
import { hearing } from "./hearing.js";
import type { Target } from "./load.js";
import { warmedUp } from "./loaded.js";
import { full, peer, prepare, type Shape } from "./shapes.js";
import { table } from "./table.js";

const concurrency = 16;
// A timer that an order leaves behind is a hop too: it should fire before the count is read.
const repeatSeconds = 3;
// And PostgreSQL's connections tell what they did when they have been idle for 10 s.
const settledMs = (repeatSeconds + 12) * 1000;

type Hops = { suite: "hops"; shape: string; orders: number; per_order: Counts; idle_per_second: Counts };
type Counts = Record<string, number>;

/** What every part has done for an order, as the part itself counts it, without what it does anyway. */
export async function measureHops(options: Options): Promise<void> {
  const all: Hops[] = [];
  for (const shape of options.quick ? [peer] : [peer, full]) {
    const hops = await measured(shape, options);
    tell(options, hops);
    all.push(hops);
  }
  show(options, tableOf(all));
}

function measured(shape: Shape, options: Options): Promise<Hops> {
  const orders = options.quick ? 50 : 200;
  const { name, what, apps, appEnv } = shape;
  say(`hops: starting ${what} …`);
  const settings = { repeat_interval_seconds: String(repeatSeconds) };
  return onSystem(options, { appEnv, apps, settings }, async (ground) => {
    const target = await prepare(shape, ground);
    await warmedUp(target);
    const all = counters(ground);
    await pause(settledMs);
    const idle = await all.read();
    say("hops: counting what an idle system does …");
    await pause(settledMs);
    const before = await all.read();
    say(`hops: ${orders} orders, ${concurrency} at once …`);
    await placed(orders, target, ground);
    await pause(settledMs);
    const after = await all.read();
    await all.close();
    const background = riseBetween(idle, before);
    return {
      suite: "hops",
      shape: name,
      orders,
      per_order: short(perOrder(background, riseBetween(before, after), orders)),
      idle_per_second: short(perSecond(background)),
    };
  });
}

/** Each lane places its next order when it hears that the last is `processing`: asking would be counted too. */
async function placed(orders: number, { urls, token, headers, products }: Target, { portBase, dir }: Ground) {
  const customer = person(urls[0]!, token, headers);
  const processing = await hearing(infraPorts(instanceOf({ portBase, dir })).redis, "orders.processing");
  const items = products.map((product_id, n) => ({ product_id, quantity: 2 - n }));
  let left = orders;
  async function lane() {
    while (left-- > 0) {
      const key = { "idempotency-key": randomUUID() };
      const { id } = await got(customer.placeOrder({ headers: key, body: { items, payment_method: "card_ok" } }));
      await processing.of(id);
    }
  }
  await Promise.all(Array.from({ length: concurrency }, lane));
  await processing.stop();
}

const short = (counts: Counts) =>
  Object.fromEntries(
    Object.entries(counts).map(([name, count]) => [name, rounded(count, name.endsWith("bytes") ? 0 : 2)]),
  );

/** Per order and shape, the last shape also as idle per second; what is nothing everywhere is left out. */
function tableOf(all: Hops[]): string {
  const names = [...new Set(all.flatMap(({ per_order }) => Object.keys(per_order)))];
  const rows = names.map((name) =>
    all.flatMap(({ per_order, idle_per_second }) => [per_order[name] ?? 0, idle_per_second[name] ?? 0]),
  );
  const head = all.flatMap(({ shape }) => [`${shape}, per order`, "idle, per second"]);
  const shown = names.flatMap((name, n) =>
    rows[n]!.some((count) => count !== 0) ? [[name, ...rows[n]!.map(String)]] : [],
  );
  return table([["counted", ...head], ...shown]);
}
