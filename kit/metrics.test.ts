import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { logger } from "./log.js";
import { count, measure, measureRequest, startMetrics, timed } from "./metrics.js";

const log = logger("test", "silent");
const HOST = "127.0.0.1";
let port: number;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, HOST, done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
const scraped = async () => (await (await fetch(`http://${HOST}:${port}/metrics`)).text()).split("\n");
const of = async (name: string) => (await scraped()).filter((line) => line.startsWith(name));

test("without a port nothing is served or recorded, and work is done all the same", async () => {
  const { read } = await startMetrics("order", { HOST }, log);
  read([() => Promise.reject(new Error("nobody reads this"))]);
  count("saga.repeats", {});
  expect(
    await timed(
      "saga.step.duration",
      { step: "expire" },
      async () => 7,
      () => "done",
    ),
  ).toBe(7);
});

let away = false;
async function pending() {
  if (away) throw new Error("the database is away");
  return [{ name: "outbox.pending", value: 3, attributes: {} } as const];
}

beforeAll(async () => {
  port = await freePort();
  const { read } = await startMetrics("order", { METRICS_PORT: port, HOST }, log);
  read([pending]);
});
afterEach(() => void vi.useRealTimers());

test("counters begin at 0 for all that they may ever count, and only those of the service are there", async () => {
  expect(await of("orders_placed_total")).toEqual([
    'orders_placed_total{from="api"} 0',
    'orders_placed_total{from="upstream"} 0',
  ]);
  expect(await of("rate_limit_refusals_total")).toEqual([]);
  count("rate_limit.refusals", { limit: "requests_per_minute" });
  expect(await of("rate_limit_refusals_total")).toEqual([]);
});

test("what is counted and measured is shown, in the unit and the buckets of the table", async () => {
  count("orders.placed", { from: "api" });
  count("orders.placed", { from: "api" });
  measure("orders.refund.duration", 0.2, { by: "provider" });
  expect(await of('orders_placed_total{from="api"}')).toEqual(['orders_placed_total{from="api"} 2']);
  const refunds = await of("orders_refund_duration_seconds_bucket");
  expect(refunds[0]).toBe('orders_refund_duration_seconds_bucket{by="provider",le="0.1"} 0');
  expect(refunds[1]).toBe('orders_refund_duration_seconds_bucket{by="provider",le="0.25"} 1');
});

test("work is timed however it ends", async () => {
  const step = { step: "askAgain" } as const;
  await timed(
    "saga.step.duration",
    step,
    () => sleep(30),
    () => "done",
  );
  const failing = timed(
    "saga.step.duration",
    step,
    () => Promise.reject(new Error("no")),
    () => "done",
  );
  await expect(failing).rejects.toThrow("no");
  const shown = await of("saga_step_duration_seconds_");
  expect(shown).toContain('saga_step_duration_seconds_bucket{step="askAgain",outcome="done",le="0.025"} 0');
  expect(shown).toContain('saga_step_duration_seconds_count{step="askAgain",outcome="done"} 1');
  expect(shown).toContain('saga_step_duration_seconds_count{step="askAgain",outcome="failed"} 1');
});

test("a request is shown by its route, never by its path; a strange method or no route makes no label of its own", async () => {
  measureRequest({ method: "GET", status: 200, route: "/orders/:id" }, performance.now());
  measureRequest({ method: "PROPFIND", status: 404 }, performance.now());
  const shown = await of("http_server_request_duration_seconds_count");
  expect(shown).toEqual([
    'http_server_request_duration_seconds_count{http_request_method="GET",http_route="/orders/:id",http_response_status_code="200"} 1',
    'http_server_request_duration_seconds_count{http_request_method="_OTHER",http_route="",http_response_status_code="404"} 1',
  ]);
});

test("a gauge that cannot be read any more keeps its value for a minute, and is then absent", async () => {
  await vi.waitFor(async () => expect(await of("outbox_pending")).toEqual(["outbox_pending 3"]));
  away = true;
  const now = Date.now();
  vi.useFakeTimers({ toFake: ["Date"], now: now + 55_000 });
  expect(await of("outbox_pending")).toEqual(["outbox_pending 3"]);
  vi.setSystemTime(now + 61_000);
  expect(await of("outbox_pending")).toEqual([]);
  expect(await of("orders_placed_total")).toHaveLength(2);
});

test("a port that is taken keeps no service from running", async () => {
  const { read } = await startMetrics("payment", { METRICS_PORT: port, HOST }, log);
  read([pending]);
  expect((await scraped()).length).toBeGreaterThan(10);
});
