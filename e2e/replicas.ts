import { expect, onTestFinished, test } from "vitest";
import {
  anyone,
  atOnce,
  eventually,
  newProduct,
  orderOf,
  place,
  port,
  processes,
  reaches,
  replicasOf,
  signedIn,
  statementOf,
  stockOf,
  url,
  urls,
} from "./support/system.js";

const ada = await signedIn("ada");

/** Requests that the sidecars of an app's replicas took in for it. */
async function asked(metricsPort: number): Promise<number[]> {
  const steps = urls.map((each) => Number(new URL(each).port) - Number(new URL(url).port));
  return Promise.all(
    steps.map(async (step) => {
      const text = await (await fetch(`http://127.0.0.1:${port(metricsPort) + step}/metrics`)).text();
      const series = text
        .split("\n")
        .filter((line) => line.startsWith("dapr_runtime_service_invocation_req_recv_total{"));
      return series.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
    }),
  );
}

test("every replica is asked", async () => {
  const { id } = await newProduct();
  const ports = [3801, 3802, 3806]; // product, order, inventory
  const before = await Promise.all(ports.map(asked));
  const orders = await atOnce([...Array(40).keys()], 8, () => place(ada, id, 1, "card_ok"));
  for (const { body } of orders) expect((await reaches(ada, body.id, "processing")).status).toBe("processing");
  // The order service remembers prices for a while: it asks for them too seldom to meet both replicas for sure.
  await atOnce([...Array(40).keys()], 8, () => anyone.product({ params: { id } }));
  const after = await Promise.all(ports.map(asked));
  for (const [app, counts] of after.entries())
    for (const [replica, count] of counts.entries()) expect(count).toBeGreaterThan(before[app]?.[replica] ?? 0);
});

test("a replica that dies without a word: what is asked meanwhile is asked of the other one, nothing is lost", async () => {
  const { id, price } = await newProduct(100);
  expect((await place(ada, id)).status).toBe(201);
  const dead = ["order", "inventory", "payment"].map((app) => replicasOf(app).at(-1) as string);
  const parts = dead.flatMap((name) => [name, `${name}-daprd`]);
  onTestFinished(async () => {
    await Promise.all(parts.map(processes.start));
  });
  let answered = 0;
  const died = (async () => {
    await eventually(
      async () => answered,
      (so_far) => so_far >= 10,
    );
    await Promise.all(parts.map(processes.kill));
    // From now on nobody starts them again, and nobody has told the others that they are gone.
    await Promise.all(parts.map(processes.stop));
  })();
  const refusals: number[] = [];
  const orders = await atOnce([...Array(60).keys()], 6, async () => {
    const key = crypto.randomUUID();
    const { body } = await eventually(
      () => place(ada, id, 1, "card_ok", key),
      ({ status }) => {
        if (status !== 200 && status !== 201) refusals.push(status);
        return status === 200 || status === 201;
      },
    );
    answered++;
    return body;
  });
  await died;
  // Half of all first tries go to the dead one for up to 15 s.
  expect(refusals.length).toBeLessThan(10);
  expect(refusals.filter((status) => status !== 503)).toEqual([]);
  for (const order of orders) expect((await reaches(ada, order.id, "processing", 60)).status).toBe("processing");
  for (const order of orders) expect((await statementOf(order.id)).charges).toHaveLength(1);
  expect((await orderOf(ada, orders[0]?.id as string)).total).toBe(price);
  expect(await stockOf(id)).toMatchObject({ reserved: 60 });
});
