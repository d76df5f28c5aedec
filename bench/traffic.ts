import { randomUUID } from "node:crypto";
import { must } from "../client/client.js";
import { demoProducts } from "../contracts/demo.js";
import { tokenOf } from "../tools/demo-client.js";
import { infraPorts } from "../tools/instance.js";
import { redis } from "../tools/redis-client.js";
import { pause } from "../tools/say.js";
import { emails, password, signedIn, until } from "./people.js";

export type Traffic = { done: { orders: number; errors: Record<string, number> }; stop: () => Promise<void> };

const patienceMs = 60_000;
const pollMs = 250;

/** Steady traffic of all kinds: orders that are delivered, cancelled, refused, forgotten; streams, sign-ins, nonsense. */
export async function traffic(url: string, portBase: number, rate: number): Promise<Traffic> {
  const [staff, ada] = await Promise.all([signedIn(url, "staff"), signedIn(url, "ada")]);
  for (const { id } of demoProducts)
    await must(staff.setStock({ params: { product_id: id }, body: { on_hand: 1_000_000 } }));

  const done: Traffic["done"] = { orders: 0, errors: {} };
  const running = new Set<Promise<void>>();
  let stopping = false;

  /** One order's life; every tenth is of another kind. */
  async function order(n: number): Promise<void> {
    const kind = n % 10;
    const product_id = demoProducts[n % demoProducts.length]!.id;
    const payment_method = kind === 1 ? "card_declined" : kind === 2 ? "card_flaky" : "card_ok";
    const body = { items: [{ product_id, quantity: 1 }], ...(kind !== 0 && ({ payment_method } as const)) };
    const { id } = await must(ada.placeOrder({ headers: { "idempotency-key": randomUUID() }, body }));
    done.orders++;
    const params = { id };
    const key = () => ({ "idempotency-key": randomUUID() });
    // Nobody pays these: they expire.
    if (kind === 0) return;
    if (kind === 1) {
      await until(ada, id, ["payment_failed", "cancelled"], pollMs);
      return;
    }
    if (kind === 3) {
      await must(ada.cancelOrder({ params, headers: key(), body: {} }));
      return;
    }
    if (kind === 4) await watch(id);
    await until(ada, id, ["processing"], pollMs);
    if (kind === 5) {
      await must(ada.cancelOrder({ params, headers: key(), body: { reason: "changed my mind" } }));
      return;
    }
    await must(ada.changeOrder({ params, headers: key(), body: { customer_notes: `note ${n}` } }));
    const shipped = { status: "shipped", tracking_number: `T${n}`, carrier: "Post" } as const;
    await must(staff.setStatus({ params, headers: key(), body: shipped }));
    await must(staff.setStatus({ params, headers: key(), body: { status: "delivered" } }));
  }

  async function watch(id: string): Promise<void> {
    for await (const { status } of ada.watch(id, { signal: AbortSignal.timeout(patienceMs) }))
      if (status === "processing") return;
  }

  /** What happens beside the orders. */
  async function besides(n: number): Promise<void> {
    const nonsense = { specversion: "1.0", id: randomUUID(), source: "soak", type: "orders.cancelled", data: { n } };
    await redis(infraPorts({ portBase, offset: portBase - 8080, dir: "" }).redis, [
      ...["XADD", "orders.cancelled", "*", "data"],
      JSON.stringify(nonsense),
    ]);
    const gone = [{ product_id: randomUUID(), quantity: 1 }];
    await ada.placeOrder({ headers: { "idempotency-key": randomUUID() }, body: { items: gone } });
    await must(ada.products({ query: { q: `cup ${n}` } }));
    await must(ada.notifications({ query: { limit: 20 } }));
    if (n % 5 === 0) await tokenOf(url, emails.ada, password);
  }

  function begin(work: Promise<void>): void {
    const run = work
      .catch((error: Error) => {
        done.errors[error.message] = (done.errors[error.message] ?? 0) + 1;
      })
      .finally(() => running.delete(run));
    running.add(run);
  }

  async function beat(): Promise<void> {
    const began = Date.now();
    for (let n = 0; !stopping; n++) {
      await pause(Math.max(0, began + (n * 1000) / rate - Date.now()));
      // Slower than asked for is steady too; a backlog without end would be no traffic but a flood.
      if (running.size < 40 * rate) begin(order(n));
      if (n % rate === 0) begin(besides(n / rate));
    }
  }
  const beating = beat();
  return {
    done,
    async stop() {
      stopping = true;
      await beating;
      await Promise.all(running);
    },
  };
}
