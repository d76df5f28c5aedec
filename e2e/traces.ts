import { afterAll, expect, test } from "vitest";
import { collector, type Seen } from "./support/otlp.js";
import {
  eventually,
  must,
  newCustomer,
  orderOf,
  type Person,
  place,
  processes,
  product,
  reaches,
  setStock,
  signedIn,
  timelineOf,
} from "./support/system.js";

// One trace per order, by the services' spans and Dapr's own, through everything that its placing brings about.

const collected = await collector();
afterAll(() => collected.close());
const ada = await signedIn("ada");
const staff = await signedIn("staff");
const { id: goods } = product(4);
await setStock(staff, goods, 10_000);

/** A span that ours sent, or the sidecar of one. */
type Wanted = [service: string, name: string | RegExp];
const is = ({ service, name }: Seen, [from, wanted]: Wanted) =>
  service === from && (typeof wanted === "string" ? name === wanted : wanted.test(name));

/** Whether the trace has these spans, each below the one before, others of sidecars between them. */
function hasWay(trace: string, way: Wanted[]): boolean {
  const spans = collected.of(trace);
  const isBelow = (span: Seen | undefined, id: string): boolean =>
    span !== undefined &&
    (span.parent === id ||
      isBelow(
        spans.find(({ id }) => id === span.parent),
        id,
      ));
  const further = (from: Seen | undefined, [next, ...rest]: Wanted[]): boolean =>
    !next || spans.some((span) => is(span, next) && (!from || isBelow(span, from.id)) && further(span, rest));
  return further(undefined, way);
}

/** Fails with the spans that there are, when the way does not come about. */
async function expectWay(trace: string, ...way: Wanted[]): Promise<void> {
  if (await eventually(async () => hasWay(trace, way), Boolean, 20)) return;
  const spans = collected.of(trace).map((s) => `${s.service}: ${s.name} (${s.kind}) ${s.id} < ${s.parent}`);
  expect.fail(`no way ${JSON.stringify(way.map(([from, name]) => `${from}: ${name}`))} in\n${spans.sort().join("\n")}`);
}

const traceOf = async (who: Person, id: string) => (await timelineOf(who, id))[0]?.trace_id as string;
const ofOrder = (trace: string, id: string) =>
  collected.of(trace).filter(({ attributes }) => attributes["order.id"] === id);

test("one trace leads from the gateway through every service and sidecar that an order meets", async () => {
  const { body: order } = await place(ada, goods, 1, "card_ok");
  await reaches(ada, order.id, "processing");
  const trace = await traceOf(ada, order.id);
  const placing: Wanted[] = [
    ["api-gateway", "POST /orders"],
    ["order", "POST /orders"],
    ["order", "publish orders.created"],
  ];
  const paying: Wanted[] = [...placing, ["payment", "process orders.created"]];
  await expectWay(trace, ["api-gateway", "POST /orders"], ["order", "POST /orders"], ["inventory", "POST /rpc/hold"]);
  await expectWay(trace, ...paying, ["payment", "POST /charges"]);
  const paid: Wanted[] = [
    ...paying,
    ["payment", "publish payments.succeeded"],
    ["order", "process payments.succeeded"],
  ];
  const packed: Wanted[] = [...paid, ["order", "publish orders.paid"], ["inventory", "process orders.paid"]];
  const done: Wanted[] = [
    ...packed,
    ["inventory", "publish inventory.reserved"],
    ["order", "process inventory.reserved"],
  ];
  await expectWay(
    trace,
    ...done,
    ["order", "publish orders.processing"],
    ["notification", "process orders.processing"],
  );
  await expectWay(trace, ...done, ["order", /^(start|tell) saga$/]);
  const all = collected.of(trace);
  expect(all.filter(({ parent }) => parent === "").map(({ name }) => name)).toEqual(["POST /orders"]);
  const ids = new Set(all.map(({ id }) => id));
  expect(all.filter(({ parent }) => parent !== "" && !ids.has(parent))).toEqual([]);
  expect(all.find((span) => is(span, ["payment", "process orders.created"]))).toMatchObject({
    kind: "CONSUMER",
    attributes: { "messaging.destination.name": "orders.created", "order.id": order.id },
  });
  const { id } = await must(ada.me());
  expect(all.find((span) => is(span, ["order", "POST /orders"]))).toMatchObject({
    kind: "SERVER",
    attributes: { "http.route": "/orders", "http.response.status_code": 201, "order.id": order.id, "enduser.id": id },
  });
  // Nothing of it names a customer, a token or a way to pay.
  expect(JSON.stringify(all)).not.toMatch(/card_ok|eyJ|@example/);
});

test("what is done to it later has a trace of its own, and what comes of that belongs to the order's", async () => {
  const { body: order } = await place(ada, goods, 1, "card_ok");
  await reaches(ada, order.id, "processing");
  await must(ada.cancelOrder({ params: { id: order.id }, body: {} }));
  await eventually(
    () => orderOf(ada, order.id),
    ({ payment }) => payment.refund?.status === "done",
  );
  const trace = await traceOf(ada, order.id);
  const cancelled: Wanted[] = [
    ["order", "POST /orders"],
    ["order", "publish orders.cancelled"],
  ];
  await expectWay(
    trace,
    ...cancelled,
    ["inventory", "process orders.cancelled"],
    ["inventory", "publish inventory.released"],
  );
  await expectWay(trace, ...cancelled, ["notification", "process orders.cancelled"]);
  await expectWay(trace, ...cancelled, ["payment", "process orders.cancelled"], ["payment", "POST /refunds"]);
  const back: Wanted[] = [...cancelled, ["payment", "publish payments.refunded"]];
  await expectWay(trace, ...back, ["order", "process payments.refunded"]);
  await expectWay(trace, ...back, ["notification", "process payments.refunded"]);
  const entry = (await timelineOf(ada, order.id)).find(({ name }) => name === "cancel");
  expect(entry?.trace_id).not.toBe(trace);
  await expectWay(
    entry?.trace_id as string,
    ["api-gateway", "POST /orders/:id/cancel"],
    ["order", "POST /orders/:id/cancel"],
  );
  const asked = collected.of(trace).find((span) => is(span, ["order", "publish orders.cancelled"]));
  expect(asked?.links).toEqual([entry?.trace_id]);
});

test("a saga that wakes after its service died goes on in the order's trace", async () => {
  const { body: order } = await place(await newCustomer(), goods, 1, undefined);
  const trace = await traceOf(staff, order.id);
  // What it has done is told within a second; what dies with a process before that is missing in the trace.
  await expectWay(trace, ["api-gateway", "POST /orders"], ["order", "POST /orders"]);
  await processes.kill("order");
  await reaches(staff, order.id, "cancelled", 60);
  await expectWay(trace, ["order", "POST /orders"], ["order", /^(start|tell) saga$/]);
  await expectWay(trace, ["order", "POST /orders"], ["order", "step expire"], ["order", "update order"]);
  // Dapr begins a trace of its own with every saga: the step names it.
  const [engine] = collected.of(trace).find((span) => is(span, ["order", "step expire"]))?.links ?? [];
  await expectWay(engine as string, ["order", "orchestration||order-saga-v2"], ["order", "activity||expire"]);
  const expired = (await timelineOf(staff, order.id)).find(({ name }) => name === "expire");
  expect(expired?.trace_id).toBe(trace);
  expect(ofOrder(trace, order.id).length).toBeGreaterThan(0);
});

test("metrics are sent as well, where that is asked for", async () => {
  const wanted = ["orders_transitions_total", "http_server_request_duration_seconds", "outbox_oldest_age_seconds"];
  const sent = () => wanted.filter((name) => collected.metrics.has(name));
  expect(
    await eventually(
      async () => sent(),
      (some) => some.length === wanted.length,
      45,
    ),
  ).toEqual(wanted);
});

test("a refusal of ours is told by the span, and is no failure of the service", async () => {
  const answer = await ada.order({ params: { id: crypto.randomUUID() } });
  expect(answer.status).toBe(404);
  const seen = await eventually(
    async () =>
      collected.seen.find(
        (s) => is(s, ["api-gateway", "GET /orders/:id"]) && s.attributes["http.response.status_code"] === 404,
      ),
    Boolean,
  );
  expect(seen).toMatchObject({ failed: false });
});
