import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request } from "undici";
import { createClient, type Fetch, must } from "../client/client.js";

/** What the load process is told; it waits for it, so that its own start is in no figure. */
export type LoadRequest = {
  url: string;
  token: string;
  /** Sent with every request. */
  headers: Record<string, string>;
  products: [string, string];
  concurrency: number;
  orders: number;
};
export type LoadResult = {
  seconds: number;
  cpuMs: number;
  postMs: number[];
  e2eMs: number[];
  errors: Record<string, number>;
};

const pollMs = 20;
const patienceMs = 60_000;
const onTheWay = ["payment_required", "paid"];

/** Places orders, each worker its next one when the last reached `processing`. */
export async function load({
  url,
  token,
  headers: extra,
  products,
  concurrency,
  orders,
}: LoadRequest): Promise<LoadResult> {
  const dispatcher = new Agent({ connections: concurrency, keepAliveTimeout: 30_000 });
  // The client's own work is in nobody's figure, but it shares the cores: undici's `request` costs half of `fetch`.
  const light: Fetch = async (address, { method, headers, body }) => {
    const sent = { method: method as "GET", headers: { ...headers, ...extra }, ...(body && { body }) };
    const answer = await request(address, { dispatcher, ...sent });
    const { statusCode: status } = answer;
    return { status, ok: status < 300, headers: new Headers(), body: null, text: () => answer.body.text() };
  };
  const customer = createClient({ url, token, fetch: light });
  const body = {
    items: products.map((product_id, n) => ({ product_id, quantity: 2 - n })),
    payment_method: "card_ok" as const,
  };
  const result: LoadResult = { seconds: 0, cpuMs: 0, postMs: [], e2eMs: [], errors: {} };
  let left = orders;

  async function order() {
    const began = performance.now();
    const { id } = await must(customer.placeOrder({ headers: { "idempotency-key": randomUUID() }, body }));
    result.postMs.push(performance.now() - began);
    await untilProcessing(id, began);
    result.e2eMs.push(performance.now() - began);
  }

  async function untilProcessing(id: string, began: number) {
    for (;;) {
      const { status } = await must(customer.order({ params: { id } }));
      if (status === "processing") return;
      if (!onTheWay.includes(status)) throw new Error(`ended as ${status}`);
      if (performance.now() - began > patienceMs) throw new Error(`still ${status} after ${patienceMs / 1000} s`);
      await sleep(pollMs);
    }
  }

  async function work() {
    while (left-- > 0)
      await order().catch((error: Error & { code?: string }) => {
        const what = error.code ?? error.message;
        result.errors[what] = (result.errors[what] ?? 0) + 1;
      });
  }

  const began = performance.now();
  await Promise.all(Array.from({ length: concurrency }, work));
  const { user, system } = process.cpuUsage();
  result.cpuMs = (user + system) / 1000;
  result.seconds = (performance.now() - began) / 1000;
  await dispatcher.close();
  return result;
}

// Run as a process of its own, so that its CPU is not the servers'; it ends with the one who told it what to order.
if (process.send) {
  process.once("disconnect", () => process.exit());
  process.once("message", async (told: LoadRequest) => {
    const result = await load(told);
    process.send!(result, () => process.disconnect());
  });
  process.send("ready");
}
