import { expect, test } from "vitest";
import { topics } from "./events.js";
import { combinations, exportedName, metrics, type Name, services } from "./metrics.js";

const names = Object.keys(metrics) as Name[];

test("every metric has a name of its own that Prometheus takes, and no topic has it", () => {
  const exported = names.map(exportedName);
  expect(new Set(exported).size).toBe(exported.length);
  expect(exported.filter((name) => !/^[a-z][a-z0-9_]*$/.test(name))).toEqual([]);
  expect(names.filter((name) => Object.hasOwn(topics, name))).toEqual([]);
});

test("units are in the exported names, and counters end in total", () => {
  expect(exportedName("http.server.request.duration")).toBe("http_server_request_duration_seconds");
  expect(exportedName("process.memory.usage")).toBe("process_memory_usage_bytes");
  expect(exportedName("orders.placed")).toBe("orders_placed_total");
});

test("no service could ever make more than a few hundred series of a metric whose attributes are counted up", () => {
  const most = names.flatMap((name) => services.map((service) => combinations(name, service)?.length ?? 0));
  expect(Math.max(...most)).toBeLessThan(50);
  expect(names.filter((name) => combinations(name, "order") === undefined)).toEqual(["http.server.request.duration"]);
});
