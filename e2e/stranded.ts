import { DaprWorkflowClient } from "@dapr/dapr";
import { expect, test } from "vitest";
import { sagaName } from "../services/order/saga.js";
import {
  eventually,
  must,
  place,
  port,
  product,
  sagaHistory,
  sidecar,
  signedIn,
  sql,
  tokens,
} from "./support/system.js";

// Dapr may lose the job of an instance (services/order/instances.ts). One whose job comes in an hour looks the same.

const ada = await signedIn("ada");
const anHour = 3_600_000;
const unread = (id: string) =>
  sql<[[number]]>("order", "query", `SELECT count(*) FROM workflow_state WHERE key LIKE '%||${id}||inbox-%'`);
const statusOf = async (id: string) =>
  ((await (await sidecar("order", `/v1.0/workflows/dapr/${id}`)).json()) as { runtimeStatus: string }).runtimeStatus;

/** Another saga of an order, stored, to begin in an hour. */
async function pending() {
  const { body: order } = await place(ada, product(4).id, 1, undefined);
  const id = `${order.id}_99`;
  const client = new DaprWorkflowClient({
    daprHost: "127.0.0.1",
    daprPort: String(port(3602)),
    daprApiToken: tokens("order").api,
  });
  const input = { order_id: order.id, pay_by: order.pay_by, repeat_seconds: 3 };
  await client.scheduleNewWorkflow(sagaName, input, id, new Date(Date.now() + anHour));
  await client.stop();
  expect(await statusOf(id)).toBe("PENDING");
  return { id, cancel: () => must(ada.cancelOrder({ params: { id: order.id }, body: {} })) };
}

/** It runs, has nothing unread, and knows what it was begun with. */
async function comesToLife(id: string): Promise<void> {
  expect(
    await eventually(
      () => statusOf(id),
      (status) => status === "RUNNING",
      90,
    ),
  ).toBe("RUNNING");
  expect(
    await eventually(
      () => unread(id),
      ([[rows]]) => rows === 0,
    ),
  ).toEqual([[0]]);
  const heard = (await sagaHistory(id)).flatMap((turn) => turn.heard);
  expect(heard).toContainEqual(expect.objectContaining({ started: sagaName }));
}

test.concurrent("a saga that is stored and has no job begins all the same", async () => {
  const { id, cancel } = await pending();
  await comesToLife(id);
  await cancel();
});

test.concurrent("one without a beginning begins anew", async () => {
  // All that it has heard is a hint, as some other saga has.
  const hint = "SELECT value FROM workflow_state WHERE position('changed'::bytea IN value) > 0";
  const { body: told } = await place(ada, product(4).id, 1, undefined);
  await must(ada.cancelOrder({ params: { id: told.id }, body: {} }));
  await eventually(
    () => sql<unknown[]>("order", "query", `${hint} LIMIT 1`),
    ({ length }) => length > 0,
  );
  const { id, cancel } = await pending();
  const row = `key LIKE '%||${id}||inbox-000000'`;
  await sql("order", "exec", `UPDATE workflow_state SET value = (${hint} LIMIT 1) WHERE ${row}`);
  expect(await statusOf(id)).toBe("PENDING");
  await comesToLife(id);
  await cancel();
});
