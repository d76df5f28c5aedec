import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { faults } from "./support/settings.js";
import {
  type Answer,
  anyone,
  atOnce,
  eventually,
  must,
  newCustomer,
  newProduct,
  orderOf,
  type Person,
  place,
  port,
  processes,
  publishForeign,
  reaches,
  signedIn,
  sql,
  statementOf,
  stockOf,
  url,
} from "./support/system.js";

const ada = await signedIn("ada");

const metricsPorts = {
  "api-gateway": 3800,
  product: 3801,
  order: 3802,
  user: 3803,
  payment: 3804,
  notification: 3805,
  inventory: 3806,
};
type App = keyof typeof metricsPorts;

/** What the metrics of an app's sidecar add up to over the series that have these labels. */
async function metric(app: App, name: string, labels: Record<string, string>): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port(metricsPorts[app])}/metrics`)).text();
  const series = text.split("\n").filter((line) => line.startsWith(`dapr_${name}{`));
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const found = series.filter((line) => wanted.every((label) => line.includes(label)));
  return found.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}
type Hop = { from: App; to: App };
const target = (to: App) => ({ flow_direction: "outbound", target: `app_${to}` });
/** How often a policy had something to do: a call that ran out of time, was tried again; a breaker that came to `status`. */
const activations = ({ from, to }: Hop, policy: "timeout" | "retry" | "circuitbreaker", status = "") =>
  metric(from, "resiliency_activations_total", { ...target(to), policy, status });
/** Requests that left the sidecar, every try counted. */
const sent = ({ from, to }: Hop) => metric(from, "runtime_service_invocation_req_sent_total", { dst_app_id: to });
/** As the last question found it; "none" before the first. */
async function breakerOf({ from, to }: Hop): Promise<string> {
  for (const status of ["closed", "half-open", "open"])
    if ((await metric(from, "resiliency_cb_state", { ...target(to), status })) === 1) return status;
  return "none";
}
async function countsOf(hop: Hop) {
  const [timeouts, retries, opened, asked] = await Promise.all([
    activations(hop, "timeout"),
    activations(hop, "retry"),
    activations(hop, "circuitbreaker", "open"),
    sent(hop),
  ]);
  return { timeouts, retries, opened, asked };
}
/** What the work did to a hop's counts. */
async function counted<T>(hop: Hop, work: () => Promise<T>) {
  const before = await countsOf(hop);
  const result = await work();
  const after = await countsOf(hop);
  return {
    result,
    timeouts: after.timeouts - before.timeouts,
    retries: after.retries - before.retries,
    opened: after.opened - before.opened,
    asked: after.asked - before.asked,
  };
}

const toProduct: Hop = { from: "order", to: "product" };
const toInventory: Hop = { from: "order", to: "inventory" };
const toOrder: Hop = { from: "api-gateway", to: "order" };

const expectAway = ({ status, headers }: Pick<Answer<unknown>, "status" | "headers">) =>
  expect([status, Number(headers.get("retry-after")) > 0]).toEqual([503, true]);

/** Stops the clocks of a process until the test is over, or until it is let go. */
async function frozen(name: string): Promise<() => Promise<void>> {
  await processes.pause(name);
  const thaw = () => processes.resume(name);
  onTestFinished(thaw);
  return thaw;
}
async function gone(name: string): Promise<() => Promise<void>> {
  await processes.stop(name);
  const back = async () => {
    await processes.start(name);
    await eventually(
      () => fetch(`http://127.0.0.1:${port(appPorts[name as keyof typeof appPorts])}/readyz`),
      ({ ok }) => ok,
    );
  };
  onTestFinished(back);
  return back;
}
const appPorts = { user: 8083, payment: 8084, notification: 8085 };

/** Orders of it until the breaker lets one through to inventory and product, so that no test hands its own on. */
async function allClosed(): Promise<void> {
  const { id } = await newProduct();
  const held = async () => {
    const { status, body } = await place(ada, id);
    await ada.cancelOrder({ params: { id: body.id }, body: {} });
    return status === 201 && (await breakerOf(toInventory)) === "closed" && (await breakerOf(toProduct)) === "closed";
  };
  expect(await eventually(held, (is) => is)).toBe(true);
}

test("every sidecar has taken in the policies that are written for it", async () => {
  const files = readdirSync("components").filter((file) => file.endsWith(".yaml"));
  const written = files
    .flatMap((file) => parseAllDocuments(readFileSync(`components/${file}`, "utf8")))
    .map((document) => document.toJS())
    .filter(({ kind }) => kind === "Resiliency");
  expect(written.length).toBeGreaterThan(1);
  for (const { metadata, scopes } of written)
    for (const app of scopes as App[]) expect(await metric(app, "resiliency_loaded", { name: metadata.name })).toBe(1);
});

describe("product hangs", () => {
  test("its hop alone opens: known products sell at their last price, others are refused at once; then all is well", async () => {
    await allClosed();
    const [known, unknown] = [await newProduct(), await newProduct()];
    const first = await place(ada, known.id, 1, "card_ok");
    expect(first.status).toBe(201);
    await sleep(5_500); // older than prices may be while product answers
    const thaw = await frozen("product");

    const slow = await counted(toProduct, () => place(ada, known.id, 1, "card_ok"));
    expect([slow.result.status, slow.result.body.total]).toEqual([201, first.body.total]);
    expect(slow).toMatchObject({ timeouts: 1, retries: 1, opened: 0, asked: 3 });
    const refused = await counted(toProduct, () => place(ada, unknown.id, 1, "card_ok"));
    expectAway(refused.result);
    expect(refused).toMatchObject({ retries: 1, opened: 1, asked: 3 });

    const others = await Promise.all([countsOf(toInventory), activations(toOrder, "retry")]);
    const quick = await counted(toProduct, () =>
      atOnce([...Array(20).keys()], 5, (n) => place(ada, n % 2 === 0 ? known.id : unknown.id, 1, "card_ok")),
    );
    expect(quick.asked).toBeLessThan(5); // of 20 orders that asked three times would be 60: only a half-open breaker asks
    for (const [n, answer] of quick.result.entries())
      if (n % 2 === 0) expect([answer.status, answer.body.total]).toEqual([201, first.body.total]);
      else expectAway(answer);

    expect(await breakerOf(toInventory)).toBe("closed");
    const [inventory, retries] = await Promise.all([countsOf(toInventory), activations(toOrder, "retry")]);
    expect([inventory.opened, retries]).toEqual([others[0].opened, others[1]]);
    const sold = [slow.result, ...quick.result].filter(({ status }) => status === 201);
    // Inventory was asked all the while: every one of these holds its goods.
    expect(inventory.asked - others[0].asked).toBe(sold.length - 1);
    for (const { body } of sold) expect((await reaches(ada, body.id, "processing")).status).toBe("processing");
    expect(await stockOf(known.id)).toMatchObject({ held: 0, reserved: sold.length + 1 });
    expect(await stockOf(unknown.id)).toMatchObject({ held: 0, reserved: 0 });

    const before = await activations(toProduct, "circuitbreaker", "closed");
    await thaw();
    const again = await eventually(
      () => place(ada, unknown.id, 1, "card_ok"),
      ({ status }) => status === 201,
    );
    expect(again.status).toBe(201);
    expect(await activations(toProduct, "circuitbreaker", "closed")).toBe(before + 1);
    await place(ada, unknown.id);
    await sleep(5_500);
    await place(ada, unknown.id);
    expect(await breakerOf(toProduct)).toBe("closed");
  });

  test("who asks it through the gateway waits once and is told to come again; no one else waits", async () => {
    const hop: Hop = { from: "api-gateway", to: "product" };
    const { id } = await newProduct();
    expect((await place(ada, id)).status).toBe(201);
    await frozen("product-daprd");
    const asked = counted(hop, () => anyone.products());
    expect((await place(ada, id)).status).toBe(201);
    expect((await ada.orders()).status).toBe(200);
    const { result, asked: tries } = await asked;
    expectAway(result);
    // The sidecar goes on until nobody waits; it is told so.
    expect(tries).toBeLessThan(3);
  });
});

describe("inventory hangs", () => {
  test("orders are taken without a hold, which the event makes; its hop opens and closes, product's does not", async () => {
    await allClosed();
    const { id } = await newProduct(100);
    const thaw = await frozen("inventory-daprd");
    const placed = await counted(toInventory, () =>
      atOnce([...Array(20).keys()], 5, () => place(ada, id, 1, "card_ok")),
    );
    expect(placed.result.map(({ status }) => status)).toEqual(Array(20).fill(201));
    expect(placed.opened).toBeGreaterThan(0);
    expect(placed.asked).toBeLessThan(60);
    expect(await activations(toInventory, "timeout")).toBeGreaterThan(0);
    expect(await breakerOf(toProduct)).toBe("closed");
    await thaw();
    for (const { body } of placed.result)
      expect((await reaches(ada, body.id, "processing", 60)).status).toBe("processing");
    expect(await stockOf(id)).toEqual({ product_id: id, on_hand: 80, held: 0, available: 80, reserved: 20 });
    await allClosed();
    const { body } = await place(ada, id);
    expect(await stockOf(id)).toMatchObject({ held: 1 });
    await ada.cancelOrder({ params: { id: body.id }, body: {} });
  });
});

describe("what is no failure opens nothing", () => {
  test("100 wrong requests: the next right one is served at once, nothing was asked twice", async () => {
    const { id } = await newProduct();
    const key = { "idempotency-key": "x" };
    const wrong: ((who: Person) => Promise<{ status: number }>)[] = [
      (who) => who.call("POST", "/orders", "{", key),
      (who) => who.call("POST", "/orders", { items: [] }, key),
      (who) => who.call("POST", "/orders", { items: [{ product_id: id, quantity: 1 }] }),
      (who) => place(who, crypto.randomUUID()),
      (who) => who.order({ params: { id: crypto.randomUUID() } }),
      (who) => who.call("GET", "/products/none"),
      (who) => who.call("GET", "/orders?limit=0"),
      (who) => who.call("PUT", `/inventory/${id}`, { on_hand: 5 }),
      (who) => who.call("GET", "/users/me", undefined, { authorization: "Bearer none" }),
      () => anyone.signIn({ body: { email: "ada@orders.local", password: "wrong" } }),
    ];
    const hops: Hop[] = [
      ...(["order", "product", "inventory", "user"] as const).map((to) => ({ from: "api-gateway" as const, to })),
      toProduct,
      toInventory,
    ];
    const before = await Promise.all(hops.map((hop) => activations(hop, "retry")));
    const answers = await atOnce([...Array(100).keys()], 10, (n) => (wrong[n % 10] as (typeof wrong)[0])(ada));
    expect(answers.filter(({ status }) => status < 400 || status > 499)).toEqual([]);
    expect((await place(ada, id, 1, "card_ok")).status).toBe(201);
    expect(await Promise.all(hops.map((hop) => activations(hop, "retry")))).toEqual(before);
    expect([await breakerOf(toProduct), await breakerOf(toInventory)]).toEqual(["closed", "closed"]);
    // The gateway has no breakers at all.
    expect(await metric("api-gateway", "resiliency_count", { policy: "circuitbreaker" })).toBe(0);
  });

  test("100 refusals for want of stock leave the way to inventory open", async () => {
    await allClosed();
    const [empty, full] = [await newProduct(0), await newProduct(1)];
    const refused = await counted(toInventory, () =>
      atOnce([...Array(100).keys()], 10, () => place(ada, empty.id, 1, "card_ok")),
    );
    expect(new Set(refused.result.map(({ status }) => status))).toEqual(new Set([409]));
    expect(refused).toMatchObject({ timeouts: 0, retries: 0, opened: 0, asked: 100 });
    expect((await place(ada, full.id, 1)).status).toBe(201);
    expect(await stockOf(full.id)).toMatchObject({ held: 1 });
  });
});

test("an answer of 5xx is asked for again, three times in all; six in a row open the breaker", async () => {
  await allClosed();
  const { id } = await newProduct();
  const rename = (from: string, to: string) => sql("product", "exec", `ALTER TABLE ${from} RENAME TO ${to}`);
  await rename("state", "state_away");
  let away = true;
  const restore = async () => {
    if (away) await rename("state_away", "state");
    away = false;
  };
  onTestFinished(restore);
  const first = await counted(toProduct, () => place(ada, id));
  expectAway(first.result);
  expect(first).toMatchObject({ timeouts: 0, retries: 1, opened: 0, asked: 3 });
  await sleep(11_000); // failures count until one succeeds, however long they are apart
  const second = await counted(toProduct, () => place(ada, id));
  expectAway(second.result);
  expect(second).toMatchObject({ retries: 1, opened: 1, asked: 3 });
  const third = await counted(toProduct, () => place(ada, id));
  expectAway(third.result);
  expect(third).toMatchObject({ retries: 0, opened: 0, asked: 0 });
  await restore();
  const { status } = await eventually(
    () => place(ada, id),
    ({ status }) => status === 201,
  );
  expect(status).toBe(201);
});

describe("who is away and not needed is not waited for", () => {
  test("user: tokens that were given go on, signing in is 503", async () => {
    const [eve, { id }] = [await newCustomer(), await newProduct()];
    expect((await eve.orders()).status).toBe(200);
    const back = await gone("user");
    const { status, body } = await place(eve, id, 1, "card_ok");
    expect(status).toBe(201);
    expect((await reaches(eve, body.id, "processing")).status).toBe("processing");
    expectAway(await anyone.signIn({ body: { email: eve.email, password: eve.password } }));
    await back();
    expect((await anyone.signIn({ body: { email: eve.email, password: eve.password } })).status).toBe(200);
  });

  test("payment: the order is taken and paid when it is back", async () => {
    const { id } = await newProduct();
    const back = await gone("payment");
    const { status, body } = await place(ada, id, 1, "card_ok");
    expect([status, (await orderOf(ada, body.id)).status]).toEqual([201, "payment_required"]);
    expectAway(await ada.payments({ params: { id: body.id } }));
    await back();
    expect((await reaches(ada, body.id, "processing")).status).toBe("processing");
  });

  test("notification: the order goes the whole way, the customer hears of it later", async () => {
    const { id } = await newProduct();
    const back = await gone("notification");
    const { body } = await place(ada, id, 1, "card_ok");
    expect((await reaches(ada, body.id, "processing")).status).toBe("processing");
    expectAway(await ada.notifications());
    await back();
    const about = async () =>
      (await must(ada.notifications({ query: { limit: 100 } }))).items.filter(({ order_id }) => order_id === body.id);
    expect(await eventually(about, ({ length }) => length === 3)).toHaveLength(3);
  });
});

test("a message whose handler has no database comes again until it has, and its retry is counted", async () => {
  const { id } = await newProduct();
  const inbound = { flow_direction: "inbound", target: "Pubsub_pubsub", policy: "retry" };
  const before = await metric("payment", "resiliency_activations_total", inbound);
  await sql("payment", "exec", "ALTER TABLE state RENAME TO state_away");
  let away = true;
  const restore = async () => {
    if (away) await sql("payment", "exec", "ALTER TABLE state_away RENAME TO state");
    away = false;
  };
  onTestFinished(restore);
  const { body } = await place(ada, id, 1, "card_ok");
  await eventually(
    () => metric("payment", "resiliency_activations_total", inbound),
    (now) => now > before,
  );
  await sleep(3_000);
  expect((await orderOf(ada, body.id)).status).toBe("payment_required");
  await restore();
  expect((await reaches(ada, body.id, "processing")).status).toBe("processing");
  expect(await metric("payment", "resiliency_activations_total", inbound)).toBeGreaterThan(before);
});

test("a service that dies over a command is asked again: it is done once, and answered as done", async () => {
  const { id, price } = await newProduct();
  const placed = (await place(ada, id)).body;
  const retries = await activations(toOrder, "retry");
  const fault = join(faults, `order.after-commit.${placed.id}`);
  writeFileSync(fault, "crash 1");
  const paid = await ada.payOrder({ params: { id: placed.id }, body: { payment_method: "card_ok" } });
  expect(existsSync(fault)).toBe(false);
  expect([paid.status, await activations(toOrder, "retry")]).toEqual([202, retries + 1]);
  expect((await reaches(ada, placed.id, "processing")).payment).toMatchObject({ attempt: 1, amount: price });
  expect((await statementOf(placed.id)).charges).toHaveLength(1);
});

test("what is said of an order that nobody knows is tried for a minute, whoever dies meanwhile, and is then a dead letter", async () => {
  const order_id = crypto.randomUUID();
  const found = async (prefix: string) => {
    const key = `starts_with(key, '${prefix}') AND value->>'body' LIKE '%${order_id}%'`;
    return (await sql<[string][]>("order", "query", `SELECT value->>'reason' FROM state WHERE ${key}`)).length;
  };
  const items = [{ product_id: crypto.randomUUID(), quantity: 1 }];
  const since = Date.now();
  await publishForeign("inventory.released", { order_id, items, released_at: new Date().toISOString() });
  expect(await eventually(() => found("early:"), Boolean)).toBe(1);
  await processes.kill("order");
  expect(await eventually(() => found("dead-letter:"), Boolean, 90)).toBe(1);
  expect(Date.now() - since).toBeGreaterThan(60_000);
  expect(await found("early:")).toBe(0);
});

test("a stream lives longer than any request may take", async () => {
  const { id } = (await place(ada, (await newProduct()).id)).body;
  const leaves = new AbortController();
  const headers = { authorization: `Bearer ${ada.token}`, accept: "text/event-stream" };
  const { body } = await fetch(`${url}/orders/${id}/events`, { headers, signal: leaves.signal });
  let heard = "";
  let ended = false;
  const reading = (async () => {
    for await (const chunk of body as ReadableStream<Uint8Array>) heard += new TextDecoder().decode(chunk);
    ended = true;
  })().catch(() => {
    ended = true;
  });
  await sleep(18_000);
  expect(ended).toBe(false);
  expect(heard).toContain("id: 1\n");
  leaves.abort();
  await reading;
});
