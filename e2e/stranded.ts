import { DaprWorkflowClient } from "@dapr/dapr";
import { expect, test } from "vitest";
import { sagaName } from "../services/order/saga.js";
import { eventually, must, place, port, product, sidecar, signedIn, sql, tokens } from "./system.js";

// Dapr may lose the job of an instance (services/order/instances.ts). One whose job comes in an hour looks the same.

const ada = await signedIn("ada");
const anHour = 3_600_000;
const unread = (id: string) =>
  sql<[[number]]>("order", "query", `SELECT count(*) FROM workflow_state WHERE key LIKE '%||${id}||inbox-%'`);
const statusOf = async (id: string) =>
  ((await (await sidecar("order", `/v1.0/workflows/dapr/${id}`)).json()) as { runtimeStatus: string }).runtimeStatus;

test("a saga that is stored and has no job begins all the same", async () => {
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
      10,
    ),
  ).toEqual([[0]]);
  await must(ada.cancelOrder({ params: { id: order.id }, body: {} }));
});
