import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { armFaults, fault } from "./faults.js";

const folder = mkdtempSync(join(tmpdir(), "orders-faults-"));
const arm = (name: string, does: string) => writeFileSync(join(folder, name), does);

beforeAll(() => armFaults("order", folder));
afterAll(() => {
  armFaults("order", undefined);
  rmSync(folder, { recursive: true });
});

test("a fault happens as often as its file says, to what it is about, and holds the texts", async () => {
  arm("order.before-call.order-1", "error 2 /publish orders.paid");
  expect(await fault("before-call", "/publish", "orders.paid order-2")).toBe(false);
  expect(await fault("before-call", "/publish", "orders.created order-1")).toBe(false);
  expect(await fault("after-call", "/publish", "orders.paid order-1")).toBe(false);
  for (let n = 0; n < 2; n++)
    await expect(fault("before-call", "/publish", "orders.paid order-1")).rejects.toThrow(
      "a fault at order.before-call",
    );
  expect(await fault("before-call", "/publish", "orders.paid order-1")).toBe(false);
});

test("of what is done for many at once each is looked at by itself", async () => {
  arm("order.before-call.order-1", "forget 2 /publish paid");
  const apart = [
    { order: "order-1", event: "created" },
    { order: "order-2", event: "paid" },
  ];
  const together = { order: "order-1", event: "paid" };
  expect(await fault("before-call", "/publish", apart)).toBe(false);
  expect(await fault("before-call", "/publish", [...apart, together])).toBe(true);
});

test("who is held waits until the file is gone, others pass", async () => {
  arm("order.asked", "hold 1");
  const held = fault("asked");
  expect(await fault("asked")).toBe(false);
  expect(readFileSync(join(folder, "order.asked"), "utf8")).toBe("hold 0");
  rmSync(join(folder, "order.asked"));
  expect(await held).toBe(false);
});

test("who is only watched goes on, and is counted", async () => {
  arm("order.asked", "watch 9");
  for (let n = 0; n < 2; n++) expect(await fault("asked")).toBe(false);
  expect(readFileSync(join(folder, "order.asked"), "utf8")).toBe("watch 7");
  rmSync(join(folder, "order.asked"));
});

test("what is forgotten counts as done; another service's fault is none of ours; without a folder nothing happens", async () => {
  arm("order.before-call", "forget 2");
  arm("payment.asked", "error 1");
  expect(await fault("before-call", { some: "body" })).toBe(true);
  expect(await fault("asked")).toBe(false);
  armFaults("order", undefined);
  expect(await fault("before-call")).toBe(false);
  expect(existsSync(join(folder, "order.before-call"))).toBe(true);
});
