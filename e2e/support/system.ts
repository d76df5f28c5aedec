import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { expect } from "vitest";
import { type Client, createClient, type Fetch, must } from "../../client/client.js";
import type { Reconciliation } from "../../contracts/admin.js";
import { demoProducts } from "../../contracts/demo.js";
import type { Topic } from "../../contracts/events.js";
import type { OrderView, Status } from "../../contracts/order.js";
import type { PaymentMethod } from "../../contracts/payment.js";
import type { Key } from "../../contracts/settings.js";
import { historyOf } from "../../kit/history.js";
import { type Control, control } from "../../tools/control.js";
import { type Tokens, tokensOf } from "../../tools/secrets.js";
import { broker } from "./broker.js";

export { must };

/** The running system as its users meet it, and the two that testify: the provider's ledger and the supervisor. */
export const urls = (process.env.E2E_URL as string).split(" ");
export const url = urls[0] as string;
/** How many of every app this suite runs. */
export const replicas = urls.length;
/** The names of their processes. */
export const replicasOf = (app: string) => urls.map((_, n) => (n === 0 ? app : `${app}-${n + 1}`));
export const processes = ofAllReplicas(control(process.env.E2E_DIR as string));
const offset = Number(new URL(url).port) - 8080;
/** A port of dapr.yaml, as this instance has it. */
export const port = (inFile: number) => inFile + offset;

export type Answer<T> = { status: number; body: T; headers: Headers };
/** Someone at the API: through the typed client, every answer held against the contract; `call` for what it forbids. */
export type Person = Client & {
  token: string | undefined;
  call: <T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<Answer<T>>;
};

/** What is done to `order` or `order-daprd` is done to all replicas of it. */
function ofAllReplicas(one: Control): Control {
  const all = (act: (name: string) => Promise<void>) => async (name: string) => {
    const [, app, sidecar] = /^(.+?)(-daprd)?$/.exec(name) as unknown as [string, string, string?];
    const replica = new RegExp(`^${app}(-\\d+)?${sidecar ?? ""}$`);
    const names = (await one.processes()).map(({ name }) => name).filter((other) => replica.test(other));
    await Promise.all((names.length > 0 ? names : [name]).map(act));
  };
  const { kill, pause, resume, restart, stop, start, ...rest } = one;
  return {
    ...rest,
    kill: all(kill),
    pause: all(pause),
    resume: all(resume),
    restart: all(restart),
    stop: all(stop),
    start: all(start),
  };
}

let turn = 0;
/** Asks each replica of the gateway in its turn. */
const inTurn: Fetch = (asked, init) => fetch(urls[turn++ % replicas] + asked.slice(url.length), init);

/** Asks every replica of the gateway once. */
export const everywhere = <T>(ask: () => Promise<T>): Promise<T[]> => Promise.all(urls.map(ask));

function person(token?: string): Person {
  return {
    ...createClient({ url, token, validate: true, fetch: inTurn }),
    token,
    async call<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
      const response = await inTurn(url + path, {
        method,
        headers: {
          ...(body !== undefined && { "content-type": "application/json" }),
          ...(token && { authorization: `Bearer ${token}` }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: (text ? JSON.parse(text) : undefined) as T, headers: response.headers };
    },
  };
}

export const anyone = person();
export const withToken = person;

const bearers = new Map<string, Promise<string>>();
export function tokenOf(name: string): Promise<string> {
  let token = bearers.get(name);
  if (!token) {
    token = tokenFor(`${name}@orders.local`, "demo-password-1");
    bearers.set(name, token);
  }
  return token;
}
/** On a busy machine a password takes its time to be looked at, and a 503 says to try again. */
export async function tokenFor(email: string, password: string): Promise<string> {
  const signIn = () => anyone.signIn({ body: { email, password } });
  return (await must(eventually(signIn, ({ status }) => status !== 503, 60))).access_token;
}
export const signedIn = async (name: "ada" | "bob" | "staff" | "admin"): Promise<Person> => person(await tokenOf(name));

/** A customer of this test alone. */
export async function newCustomer(about: { name?: string; locale?: string; country?: string } = {}) {
  const email = `${crypto.randomUUID()}@example.org`;
  const password = `planted-${crypto.randomUUID()}`;
  const { id } = await must(anyone.signUp({ body: { email, password, name: "New Customer", ...about } }));
  return { id, email, password, ...person(await tokenFor(email, password)) };
}

/** A demo product by its place in the catalogue; each test takes its own, so that tests do not share stock. */
export const product = (n: number) => demoProducts[n] as (typeof demoProducts)[number];

export function place(
  who: Person,
  productId: string,
  quantity = 1,
  payment_method?: PaymentMethod,
  key: string = crypto.randomUUID(),
) {
  return placeLines(who, [{ product_id: productId, quantity }], payment_method, key);
}

/** The answer's body is taken for the order; where it is a refusal the status says so. */
export async function placeLines(
  who: Person,
  items: { product_id: string; quantity: number }[],
  payment_method?: PaymentMethod,
  key: string = crypto.randomUUID(),
): Promise<Answer<OrderView>> {
  const body = { items, ...(payment_method && { payment_method }) };
  const { status, body: answer, headers } = await who.placeOrder({ headers: { "idempotency-key": key }, body });
  return { status, body: answer as OrderView, headers };
}

export const orderOf = (who: Person, id: string) => must(who.order({ params: { id } }));

/** Asks until the answer is right; after the time it gives the last one, so that the test can say what is wrong. */
export async function eventually<T>(ask: () => Promise<T>, right: (value: T) => boolean, seconds = 30): Promise<T> {
  const end = Date.now() + seconds * 1000;
  // Soon at first; who waits for long does not keep the machine busy meanwhile.
  for (let pause = 25; ; pause = Math.min(pause * 1.5, 250)) {
    const value = await ask().catch((error) => error as T);
    if (Date.now() > end) return value;
    try {
      if (right(value)) return value;
    } catch {
      // not there yet
    }
    await sleep(pause);
  }
}

export const reaches = (who: Person, id: string, status: Status, seconds?: number) =>
  eventually(
    () => orderOf(who, id),
    (order) => order.status === status,
    seconds,
  );

/** Asks with one key until the order is placed, as a customer's program does; gives the order's id. */
export async function placedAtLast(who: Person, productId: string, key: string = crypto.randomUUID()): Promise<string> {
  const answer = await eventually(
    () => place(who, productId, 1, "card_ok", key),
    ({ status }) => status === 201 || status === 200,
    60,
  );
  return answer.body.id;
}

export const stockOf = (product_id: string) => must(anyone.stock({ params: { product_id } }));
export const setStock = (staff: Person, product_id: string, on_hand: number) =>
  must(staff.setStock({ params: { product_id }, body: { on_hand } }));

/** A product of this test alone, so that tests do not share stock. */
export async function newProduct(stock = 1_000) {
  const admin = await signedIn("admin");
  const body = { name: `Product ${crypto.randomUUID()}`, price: "22.00", currency: "EUR" };
  const made = await must(admin.addProduct({ body }));
  await setStock(admin, made.id, stock);
  return made;
}

export const timelineOf = async (who: Person, id: string) =>
  (await must(who.timeline({ params: { id }, query: { limit: 100 } }))).items;

export type Statement = {
  charges: { charge_id: string; status: string; amount: number }[];
  refunds: { status: string }[];
  net: number;
};
/** What the provider says it took and gave back for an order, in minor units. */
export async function statementOf(orderId: string): Promise<Statement> {
  const answer = await fetch(`http://127.0.0.1:${port(8090)}/ledger?reference=${orderId}`);
  return (await answer.json()) as Statement;
}

/** Runs `work` for every item, at most `limit` at once. */
export async function atOnce<T, R>(items: T[], limit: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async () => {
    for (let n = next++; n < items.length; n = next++) results[n] = await work(items[n] as T);
  };
  await Promise.all(Array.from({ length: limit }, lane));
  return results;
}

/** Every app with the ports that dapr.yaml gives it and its sidecar. */
export const apps = {
  "api-gateway": [8080, 3500],
  product: [8081, 3501],
  order: [8082, 3502],
  user: [8083, 3503],
  payment: [8084, 3504],
  notification: [8085, 3505],
  inventory: [8086, 3506],
} as const;
export type AppId = keyof typeof apps;
export const tokens = (app: AppId): Tokens => tokensOf(process.env.E2E_DIR as string, app);

/** Asks an app's sidecar, as the app would unless another token is given; a body is posted. */
export function sidecar(app: AppId, path: string, body?: object, headers: Record<string, string> = {}) {
  return fetch(`http://127.0.0.1:${port(apps[app][1])}${path}`, {
    method: body ? "POST" : "GET",
    headers: { "content-type": "application/json", "dapr-api-token": tokens(app).api, ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
}

/** What a saga has heard and done, as the order service's sidecar keeps it. */
export const sagaHistory = (id: string) =>
  historyOf({ DAPR_GRPC_PORT: port(3602), DAPR_API_TOKEN: tokens("order").api }, id);

type Owner = "product" | "order" | "payment" | "notification" | "inventory";
/** SQL on a service's state table, through its own sidecar. */
export async function sql<T = null>(service: Owner, operation: "query" | "exec", statement: string): Promise<T> {
  const body = { operation, metadata: { sql: statement } };
  const answer = await sidecar(service, `/v1.0/bindings/${service}-sql`, body);
  if (!answer.ok) throw new Error(await answer.text());
  const text = await answer.text();
  return (text ? JSON.parse(text) : null) as T;
}

/** Rows of a service's state table under a prefix. */
export async function rowsUnder(service: Owner, prefix: string): Promise<number> {
  const count = `SELECT count(*) FROM state WHERE starts_with(key, '${prefix}')`;
  return (await sql<[[number]]>(service, "query", count))[0][0];
}

/** A run over all orders and products that begins now, when it has ended. */
export async function reconcile(): Promise<Reconciliation> {
  const admin = await signedIn("admin");
  const since = new Date().toISOString();
  const ask = (method: string) => admin.call<Reconciliation>(method, "/admin/reconciliation").then(({ body }) => body);
  for (const end = Date.now() + 30_000; ; ) {
    const run = await ask("POST");
    const ended = await eventually(
      () => ask("GET"),
      ({ state }) => state === "done" || state === "failed",
    );
    if (ended.state === "done" && run.scope === "all" && (run.started_at ?? "") >= since) return ended;
    if (Date.now() > end) throw new Error(`no run came to its end, the last one ${ended.state}`);
    await sleep(200);
  }
}

/** What a process of the system has written so far. */
export const logOf = (name: string) => readFileSync(join(process.env.E2E_DIR as string, "logs", `${name}.log`), "utf8");

/** The operator's command that changes settings. */
export const config = (...args: string[]) => command("config", ...args);

/** Changes a setting, live, and waits until every replica of every service that reads it has noticed. */
export async function set(key: Key, value: string): Promise<void> {
  const services = key === "currencies" ? ["order", "product"] : ["order"];
  await noticed(key, services, async () => expect(await config("set", key, value)).toMatchObject({ code: 0 }));
}

/** Does it and waits until every replica of these services has noticed. */
export async function noticed(key: Key, apps: string[], work: () => Promise<unknown>): Promise<void> {
  const services = apps.flatMap(replicasOf);
  const times = () => services.map((service) => logOf(service).split(`"setting":"${key}"`).length - 1);
  const before = times();
  await work();
  const after = await eventually(
    async () => times(),
    (now) => now.every((count, n) => count > (before[n] as number)),
  );
  expect(after).toEqual(before.map((count) => count + 1));
}

/** An operator's command, in a process of its own. */
export async function command(...args: string[]): Promise<{ code: number; text: string }> {
  const env = { ...process.env, PORT_BASE: new URL(url).port, ORDERS_DATA: process.env.E2E_DIR };
  const ran = promisify(execFile)(process.execPath, ["tools/run.mjs", ...args], { env });
  return ran.then(
    ({ stdout }) => ({ code: 0, text: stdout }),
    ({ code, stdout, stderr }) => ({ code, text: stdout + stderr }),
  );
}

/** Publishes like a foreign program: only what the contract names, straight to the broker. */
export async function publishForeign(topic: Topic, data: object, id: string = crypto.randomUUID()): Promise<void> {
  const event = { specversion: "1.0", id, source: "elsewhere", type: topic, datacontenttype: "application/json", data };
  await broker.say(topic, JSON.stringify(event), (data as { order_id?: string }).order_id);
}
