import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import type { Claims } from "../../contracts/user.js";
import type { Dapr } from "../../kit/dapr.js";
import { Problem } from "../../kit/problem.js";
import type { Streams } from "./stream.js";
import { timelines, watcher } from "./watch.js";

const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const ada: Claims = { sub: id(1), roles: ["customer"], country: null };

test("many histories are asked for in questions of 500, and their answers are one", async () => {
  const sizes: number[] = [];
  const ask = async (_: string, __: string, body: unknown) => {
    const { after } = body as { after: { order_id: string }[] };
    sizes.push(after.length);
    return { timelines: after.map(({ order_id }) => ({ order_id, entries: [] })) };
  };
  const asked = Array.from({ length: 1_200 }, (_, n) => ({ order_id: id(n), seq: n }));
  const found = await timelines({ ask } as unknown as Dapr)(asked);
  expect(sizes).toEqual([500, 500, 200]);
  expect(found.size).toBe(1_200);
});

test("a stream is opened for whom the order service lets see the order, and for nobody else", async () => {
  const opened: unknown[] = [];
  const streams = { open: (...asked: unknown[]) => opened.push(asked) && new PassThrough() } as unknown as Streams;
  let status = 200;
  const asked: unknown[] = [];
  const ask = async (app: string, { path, headers }: { path: string; headers: Record<string, string> }) => {
    asked.push([app, path, headers.authorization]);
    const text = JSON.stringify({ type: "about:blank", title: "T", status, detail: `says ${status}` });
    return { statusCode: status, headers: {}, text };
  };
  const watch = watcher(ask, streams);
  const identity = { authorization: "Bearer t" };
  await watch(ada, identity, id(7), 3);
  expect(asked).toEqual([["order", `/orders/${id(7)}`, "Bearer t"]]);
  expect(opened).toEqual([[ada.sub, id(7), 3]]);
  status = 404;
  await expect(watch(ada, identity, id(8), 0)).rejects.toEqual(new Problem(404, "says 404"));
  await expect(watch(ada, identity, "../rpc/owner", 0)).rejects.toMatchObject({ status: 404 });
  expect([asked.length, opened.length]).toEqual([2, 1]);
});
