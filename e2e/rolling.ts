import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { createClient, type Fetch, must } from "../client/client.js";
import { control } from "../tools/control.js";
import {
  type AppId,
  apps,
  eventually,
  newProduct,
  port,
  reaches,
  replicasOf,
  signedIn,
  sql,
  statementOf,
  stockOf,
  tokenOf,
  url,
  urls,
} from "./support/system.js";

// Two of every service. Each is replaced in turn as Kubernetes does it: app and sidecar are told to stop at the same
// moment, and whoever asks the gateway goes by what it says at /readyz.

const processes = control(process.env.E2E_DIR as string);
const ada = await signedIn("ada");
const only = process.env.ROLL?.split(",");
const stages = (Object.keys(apps) as AppId[]).filter((app) => only?.includes(app) ?? true);

const isOk = async (url: string) => (await fetch(url).catch(() => undefined))?.ok ?? false;
const isReady = (at: string) => isOk(`${at}/readyz`);
const ready = new Set(urls);

/** What a load balancer does: asks all every 200 ms, sends to those that were ready, and never sends a request twice. */
async function balance(stopped: { now: boolean }): Promise<void> {
  for (; !stopped.now; await sleep(200)) {
    for (const at of urls) {
      if (await isReady(at)) ready.add(at);
      else ready.delete(at);
    }
  }
}
let turn = 0;
const balanced: Fetch = (asked, init) => {
  const open = [...ready];
  return fetch(open[turn++ % open.length] + asked.slice(url.length), init);
};

/**
 * Both are told at once; then the next one comes, as a new pod would: Kubernetes lets others find it when all of it is
 * there, but here a sidecar is found as soon as it is up, so it comes second.
 */
async function replace(name: string, first: number): Promise<void> {
  const sidecar = `${name}-daprd`;
  const at = `http://127.0.0.1:${port(first) + 20 * (name.endsWith("-2") ? 1 : 0)}`;
  await Promise.all([name, sidecar].map(processes.stop));
  await processes.start(name);
  expect(await eventually(() => isOk(`${at}/healthz`), Boolean, 60)).toBe(true);
  await processes.start(sidecar);
  expect(await eventually(() => isReady(at), Boolean, 60)).toBe(true);
}

test(`each of ${stages.join(", ")} is replaced under load: no request fails, no event is lost`, async () => {
  const { id: product_id } = await newProduct(100_000);
  const client = createClient({ url, token: await tokenOf("ada"), fetch: balanced, validate: true });
  const stopped = { now: false };
  const failed: string[] = [];
  const placed: string[] = [];
  let stage = "";
  const asking = async (what: string, ask: () => Promise<{ ok: boolean; status: unknown; body: unknown }>) => {
    const since = Date.now();
    const answer = await ask().catch((error: Error) => ({ ok: false, status: String(error.cause ?? error), body: "" }));
    if (!answer.ok)
      failed.push(`${stage}: ${what} ${answer.status} after ${Date.now() - since} ms ${JSON.stringify(answer.body)}`);
    return answer;
  };
  async function customer(): Promise<void> {
    while (!stopped.now) {
      const body = { items: [{ product_id, quantity: 1 }], payment_method: "card_ok" as const };
      const headers = { "idempotency-key": crypto.randomUUID() };
      const answer = await asking("place", () => client.placeOrder({ headers, body }));
      if (answer.ok) placed.push((answer.body as { id: string }).id);
      const id = placed.at(-1);
      if (id) await asking("order", () => client.order({ params: { id } }));
      await asking("product", () => client.product({ params: { id: product_id } }));
      await asking("stock", () => client.stock({ params: { product_id } }));
      await asking("profile", () => client.me());
      await sleep(100);
    }
  }
  const balancer = balance(stopped);
  const customers = Array.from({ length: 6 }, customer);
  for (const app of stages) {
    for (const name of replicasOf(app)) {
      stage = name;
      const before = placed.length;
      await replace(name, apps[app][0]);
      await eventually(
        async () => placed.length,
        (count) => count > before + 10,
        30,
      );
    }
  }
  stopped.now = true;
  await Promise.all([...customers, balancer]);
  expect(failed).toEqual([]);
  for (const id of placed) expect((await reaches(ada, id, "processing", 60)).status).toBe("processing");
  for (const id of placed) expect((await statementOf(id)).charges).toHaveLength(1);
  const told = () =>
    sql<[[number]]>(
      "notification",
      "query",
      "SELECT count(*) FROM state WHERE starts_with(key, 'notification:') AND value->>'topic' = 'orders.processing'",
    ).then(([[count]]) => count);
  expect(await eventually(told, (count) => count >= placed.length, 60)).toBe(placed.length);
  expect(await stockOf(product_id)).toMatchObject({ reserved: placed.length });
  expect((await must((await signedIn("admin")).deadLetters({}))).items).toEqual([]);
  console.log(`${placed.length} orders while ${stages.length} services were replaced`);
});
