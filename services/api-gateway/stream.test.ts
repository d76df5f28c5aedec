import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import type { TimelineEntry } from "../../contracts/order.js";
import { streams } from "./stream.js";

const entry = (seq: number): TimelineEntry => ({
  ...{ seq, at: "2026-01-01T00:00:00.000Z", kind: "status", name: "n", status: "paid" },
  ...{ actor: "a", trace_id: null },
});

/** A stored history of one order that grows, and streams of it. */
function history(limits?: { perUser: number; total: number }) {
  const stored: TimelineEntry[] = [entry(1), entry(2)];
  const all = streams(
    async (asked) => {
      const found = asked.map(({ order_id, seq }) => [order_id, stored.filter((one) => one.seq > seq)] as const);
      // Slow enough for two looks to overlap.
      await sleep(150);
      return new Map(found);
    },
    (error) => {
      throw error;
    },
    limits,
  );
  onTestFinished(() => all.stop());
  return { stored, all };
}

const idsIn = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));

test("the history comes first, then what happens, each entry once and in its order", async () => {
  const { stored, all } = history();
  const out = all.open("ada", "o", 0).setEncoding("utf8");
  let text = "";
  out.on("data", (chunk) => {
    text += chunk;
  });
  for (let seq = 3; seq <= 6; seq++) {
    await sleep(150);
    stored.push(entry(seq));
  }
  await expect.poll(() => idsIn(text), { timeout: 3_000 }).toEqual([1, 2, 3, 4, 5, 6]);
  expect(text).toMatch(/^retry: \d+\n\n/);
});

test("it begins after the entry that the client has", async () => {
  const { all } = history();
  let text = "";
  all.open("ada", "o", 1).on("data", (chunk) => {
    text += chunk;
  });
  await expect.poll(() => idsIn(text)).toEqual([2]);
});

test("too many of one user are refused, too many of all as well, and a place that is left is free", async () => {
  const { all } = history({ perUser: 2, total: 3 });
  const first = all.open("ada", "o", 0);
  all.open("ada", "o", 0);
  expect(() => all.open("ada", "o", 0)).toThrow(expect.objectContaining({ status: 429, retryAfter: 5 }));
  all.open("bob", "o", 0);
  expect(() => all.open("eve", "o", 0)).toThrow("is away");
  first.destroy();
  await sleep(0);
  all.open("eve", "o", 0);
});

test("stopping lets everybody go", async () => {
  const { all } = history();
  const out = all.open("ada", "o", 0).resume();
  all.stop();
  await expect.poll(() => out.closed).toBe(true);
});

test("who is behind is served with those who are not, though they watch the same order", async () => {
  let away = true;
  const all = streams(
    async (asked) => {
      if (away) throw new Error("away");
      return new Map(asked.map(({ order_id, seq }) => [order_id, [1, 2, 3].filter((one) => one > seq).map(entry)]));
    },
    () => undefined,
  );
  onTestFinished(() => all.stop());
  const texts = [0, 2].map((seq, n) => {
    const said: string[] = [];
    all.open(`user ${n}`, "o", seq).on("data", (chunk) => said.push(String(chunk)));
    return said;
  });
  await sleep(50);
  away = false;
  await expect.poll(() => texts.map((said) => idsIn(said.join(""))), { timeout: 3_000 }).toEqual([[1, 2, 3], [3]]);
});
