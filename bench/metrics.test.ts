import { expect, test } from "vitest";
import { callsOf, parseInfo, parseMetrics, total } from "./metrics.js";

const text = `# HELP dapr_sent How many.
# TYPE dapr_sent counter
dapr_sent{app_id="order",dst_app_id="inventory",type="unary"} 11
dapr_sent{app_id="order",dst_app_id="product",type="unary"} 2 1732190000000
dapr_sent_total 4.5e+06
odd{path="/orders/{id}",said="a \\"word\\", a \\\\ and a \\n"} NaN

dapr_latency_bucket{le="+Inf"} 7`;

test("every line of Prometheus' text that is a sample", () => {
  expect(parseMetrics(text)).toEqual([
    { name: "dapr_sent", labels: { app_id: "order", dst_app_id: "inventory", type: "unary" }, value: 11 },
    { name: "dapr_sent", labels: { app_id: "order", dst_app_id: "product", type: "unary" }, value: 2 },
    { name: "dapr_sent_total", labels: {}, value: 4_500_000 },
    { name: "odd", labels: { path: "/orders/{id}", said: 'a "word", a \\ and a \n' }, value: Number.NaN },
    { name: "dapr_latency_bucket", labels: { le: "+Inf" }, value: 7 },
  ]);
});

test("a total is of one name, whole, and of the labels that are asked for", () => {
  const metrics = parseMetrics(text);

  expect(total(metrics, "dapr_sent")).toBe(13);
  expect(total(metrics, "dapr_sent", { dst_app_id: "product" })).toBe(2);
  expect(total(metrics, "dapr_sent", { dst_app_id: "prod" })).toBe(0);
  expect(total(metrics, "dapr_sen")).toBe(0);
});

test("what Redis says, and how often it did a command", () => {
  const info = parseInfo(
    "# Commandstats\r\ncmdstat_xadd:calls=50,usec=1442\r\ncmdstat_xadds:calls=9,usec=1\r\n\r\n# Persistence\r\naof_current_size:72696\r\nhost:a:b\r\n",
  );

  expect(info.aof_current_size).toBe("72696");
  expect(info.host).toBe("a:b");
  expect([callsOf(info, "xadd"), callsOf(info, "xack")]).toEqual([50, 0]);
});
