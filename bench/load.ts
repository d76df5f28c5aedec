import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request } from "undici";
import type { OrderView } from "../contracts/order.js";

/** What the load process is told; it waits for it, so that its own start is in no figure. */
export type LoadRequest = {
  url: string;
  token: string;
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
export async function load({ url, token, products, concurrency, orders }: LoadRequest): Promise<LoadResult> {
  const dispatcher = new Agent({ connections: concurrency, keepAliveTimeout: 30_000 });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const items = products.map((product_id, n) => ({ product_id, quantity: 2 - n }));
  const body = JSON.stringify({ items, payment_method: "card_ok" });
  const result: LoadResult = { seconds: 0, cpuMs: 0, postMs: [], e2eMs: [], errors: {} };
  let left = orders;

  async function order() {
    const began = performance.now();
    const posted = await request(`${url}/orders`, {
      dispatcher,
      method: "POST",
      headers: { ...headers, "idempotency-key": randomUUID() },
      body,
    });
    const text = await posted.body.text();
    if (posted.statusCode !== 201) throw new Error(`POST ${posted.statusCode} ${text.slice(0, 200)}`);
    result.postMs.push(performance.now() - began);
    await untilProcessing((JSON.parse(text) as OrderView).id, began);
    result.e2eMs.push(performance.now() - began);
  }

  async function untilProcessing(id: string, began: number) {
    for (;;) {
      const got = await request(`${url}/orders/${id}`, { dispatcher, headers });
      const text = await got.body.text();
      if (got.statusCode !== 200) throw new Error(`GET ${got.statusCode} ${text.slice(0, 200)}`);
      const { status } = JSON.parse(text) as OrderView;
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
