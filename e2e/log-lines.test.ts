import { expect, test } from "vitest";
import {
  config,
  eventually,
  logOf,
  must,
  place,
  product,
  reaches,
  setStock,
  signedIn,
  timelineOf,
} from "./support/system.js";

// What an operator finds in the logs about one order, and how much is written.

const ada = await signedIn("ada");
const staff = await signedIn("staff");
const { id: goods } = product(5);
await setStock(staff, goods, 10_000);

type Line = Record<
  "level" | "order_id" | "trace_id" | "actor" | "path" | "status" | "reason" | "msg" | "topic",
  unknown
>;
const linesOf = (service: string): Line[] =>
  logOf(service)
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Line);
const about = (service: string, id: string) => linesOf(service).filter(({ order_id }) => order_id === id);
/** A line is written within 100 ms. */
const written = (service: string, id: string, right: (line: Line) => boolean) =>
  eventually(
    async () => about(service, id).filter(right),
    (lines) => lines.length > 0,
  );

test("each service's lines name the order, its trace and who asks; a refusal says why", async () => {
  const { body: order } = await place(ada, goods, 1, "card_ok");
  await reaches(ada, order.id, "processing");
  const trace_id = (await timelineOf(ada, order.id))[0]?.trace_id;
  const { id: actor } = await must(ada.me());
  expect(await written("order", order.id, ({ path }) => path === "/orders")).toMatchObject([
    { trace_id, actor, status: 201, msg: "request" },
  ]);
  for (const service of ["payment", "inventory", "notification"])
    expect(await written(service, order.id, ({ path }) => path === "/events/orders.created"), service).toMatchObject([
      { trace_id, status: 200 },
    ]);
  const paid = { params: { id: order.id }, body: { status: "paid" as const, payment_reference: "x" } };
  expect((await staff.setStatus(paid)).status).toBe(409);
  const refused = await written("order", order.id, ({ status }) => status === 409);
  expect(refused[0]?.reason).toContain("processing");
});

test("how much is written changes while the system runs", async () => {
  try {
    await config("set", "log_level", "debug");
    const spoken = async () => {
      const { body } = await place(ada, goods, 1, "card_ok");
      await reaches(ada, body.id, "processing");
      return about("order", body.id).filter(({ level }) => level === 20).length;
    };
    expect(await eventually(spoken, (lines) => lines > 0, 30)).toBeGreaterThan(0);
    await config("set", "log_level", "warn");
    const silent = async () => {
      const { body } = await place(ada, goods, 1, "card_ok");
      await reaches(ada, body.id, "processing");
      return about("order", body.id).length;
    };
    expect(await eventually(silent, (lines) => lines === 0, 30)).toBe(0);
  } finally {
    await config("set", "log_level", "default");
  }
});
