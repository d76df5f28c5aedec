import { DBOS } from "@dbos-inc/dbos-sdk";
import { type Order, save, serveOrders } from "./orders.js";

// The order saga as a DBOS workflow. Every step may run twice, after a crash: what it does knows the order's id.

async function ask(url: string, order: Order): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(order) });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return answer.json();
}

const { PORT, PAYMENT_URL, INVENTORY_URL, SYSTEM_DATABASE_URL } = process.env as Record<string, string>;

const saga = DBOS.registerWorkflow(
  async (order: Order) => {
    await DBOS.runStep(() => ask(`${PAYMENT_URL}/charge`, order), { name: "charge", retriesAllowed: true });
    await DBOS.runStep(() => save(order, "paid"), { name: "paid", retriesAllowed: true });
    await DBOS.runStep(() => ask(`${INVENTORY_URL}/reserve`, order), { name: "reserve", retriesAllowed: true });
    await DBOS.runStep(() => save(order, "confirmed"), { name: "confirmed", retriesAllowed: true });
  },
  { name: "order" },
);

DBOS.setConfig({
  name: "orders",
  applicationVersion: "1",
  systemDatabaseUrl: SYSTEM_DATABASE_URL,
  // Its default of 10 is what 64 orders at once would wait for.
  systemDatabasePoolSize: 50,
  logLevel: "warn",
});
await DBOS.launch();
await serveOrders(Number(PORT), (order) => DBOS.startWorkflow(saga, { workflowID: order.id })(order));
