import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, type Dispatcher, request } from "undici";
import { createClient, type Fetch, must } from "../client/client.js";

/** Whom the load is put on, and in whose name. */
export type Target = {
  /** Asked in turn. */
  urls: string[];
  /** None where nobody signs in. */
  token: string;
  /** Sent with every request. */
  headers: Record<string, string>;
  products: [string, string];
  /** The statuses through which an order goes, and the one that ends the wait for it. */
  onTheWay: string[];
  arrived: string;
};
/** What the load process is told; it waits for it, so that its own start is in no figure. */
export type LoadRequest = Target & {
  concurrency: number;
  orders: number;
  /** So many begin in a second, whether or not others have arrived, while fewer than `concurrency` are under way. */
  rate?: number;
  /** Nobody pays: the order is placed and left to its saga. */
  unpaid?: boolean;
};
export type ReadRequest = Pick<Target, "urls" | "token" | "headers"> & {
  concurrency: number;
  requests: number;
  paths: string[];
};

export type LoadResult = {
  seconds: number;
  cpuMs: number;
  postMs: number[];
  e2eMs: number[];
  errors: Record<string, number>;
};
export type ReadResult = Omit<LoadResult, "postMs" | "e2eMs"> & { readMs: number[] };

const pollMs = 20;
const patienceMs = 60_000;

/** Places orders, each worker its next one when the last has arrived. */
export async function load({ urls, token, headers, products, ...told }: LoadRequest): Promise<LoadResult> {
  const { concurrency, orders, rate, unpaid, onTheWay, arrived } = told;
  const dispatcher = agent(concurrency);
  const fetch = light(dispatcher, headers);
  const customers = urls.map((url) => createClient({ url, token, fetch }));
  const body = {
    items: products.map((product_id, n) => ({ product_id, quantity: 2 - n })),
    ...(!unpaid && { payment_method: "card_ok" as const }),
  };
  const postMs: number[] = [];
  const e2eMs: number[] = [];

  async function order(n: number) {
    const customer = customers[n % customers.length]!;
    const began = performance.now();
    const { id } = await must(customer.placeOrder({ headers: { "idempotency-key": randomUUID() }, body }));
    postMs.push(performance.now() - began);
    if (unpaid) return;
    for (;;) {
      const { status }: { status: string } = await must(customer.order({ params: { id } }));
      if (status === arrived) break;
      if (!onTheWay.includes(status)) throw new Error(`ended as ${status}`);
      if (performance.now() - began > patienceMs) throw new Error(`still ${status} after ${patienceMs / 1000} s`);
      await sleep(pollMs);
    }
    e2eMs.push(performance.now() - began);
  }

  const done = await inLanes(concurrency, orders, order, rate);
  await dispatcher.close();
  return { ...done, postMs, e2eMs };
}

/** Asks for the paths in turn. */
async function read({ urls, token, headers, concurrency, requests, paths }: ReadRequest): Promise<ReadResult> {
  const dispatcher = agent(concurrency);
  const fetch = light(dispatcher, { ...headers, authorization: `Bearer ${token}` });
  const readMs: number[] = [];
  const done = await inLanes(concurrency, requests, async (n) => {
    const began = performance.now();
    const answer = await fetch(urls[n % urls.length]! + paths[n % paths.length]!, { method: "GET", headers: {} });
    await answer.text();
    if (!answer.ok) throw new Error(`GET ${answer.status}`);
    readMs.push(performance.now() - began);
  });
  await dispatcher.close();
  return { ...done, readMs };
}

const agent = (connections: number) => new Agent({ connections, keepAliveTimeout: 30_000 });

/** The client's own work is in nobody's figure, but it shares the cores: undici's `request` costs half of `fetch`. */
function light(dispatcher: Dispatcher, extra: Record<string, string>): Fetch {
  return async (address, { method, headers, body }) => {
    const sent = { method: method as "GET", headers: { ...headers, ...extra }, ...(body && { body }) };
    const answer = await request(address, { dispatcher, ...sent });
    const { statusCode: status } = answer;
    return { status, ok: status < 300, headers: new Headers(), body: null, text: () => answer.body.text() };
  };
}

/** Does the work so many times, so many at once, and says what it took and what went wrong how often. */
async function inLanes(concurrency: number, count: number, work: (n: number) => Promise<void>, rate?: number) {
  const errors: Record<string, number> = {};
  let next = 0;
  async function lane() {
    for (let n = next++; n < count; n = next++) {
      if (rate) await sleep(Math.max(0, began + (n * 1000) / rate - performance.now()));
      await work(n).catch((error: Error & { code?: string }) => {
        const what = error.code ?? error.message;
        errors[what] = (errors[what] ?? 0) + 1;
      });
    }
  }
  const began = performance.now();
  await Promise.all(Array.from({ length: concurrency }, lane));
  const { user, system } = process.cpuUsage();
  return { seconds: (performance.now() - began) / 1000, cpuMs: (user + system) / 1000, errors };
}

// Run as a process of its own, so that its CPU is not the servers'; it ends with the one who told it what to do.
if (process.send) {
  process.once("disconnect", () => process.exit());
  process.once("message", async (told: LoadRequest | ReadRequest) => {
    const result = await ("paths" in told ? read(told) : load(told));
    process.send!(result, () => process.disconnect());
  });
  process.send("ready");
}
