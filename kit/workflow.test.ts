import { afterEach, expect, test, vi } from "vitest";
import type { Logger } from "./log.js";
import { Unavailable } from "./problem.js";
import { engineWatch, work, workflows } from "./workflow.js";

const nobodyListens = 1;
const away = { call: async () => Promise.reject(new Error("away")) };

test("a worker whose sidecar is away can be stopped like any other", async () => {
  const worker = await new Promise<ReturnType<typeof work>>((died) => {
    const error = (_: object, text: string) => /Worker failed/.test(text) && died(started);
    const log = { warn: () => undefined, error } as unknown as Logger;
    const started = work(nobodyListens, away, { workflows: {}, activities: {} }, log);
  });
  await expect(worker.stop()).resolves.toBeUndefined();
});

afterEach(() => vi.useRealTimers());

/** An engine that cannot read some of its instances any more. */
function engine(lost: string[], failed: string[] = []) {
  const told: string[] = [];
  const started = new Set([...lost, ...failed]);
  const answer = (status: number, text = "") => ({ status, text, etag: undefined });
  const contradicts = answer(500, "inbox key 'inbox-000000' declared in metadata but missing from state store");
  const call = async (_: string, path: string) => {
    const [, id = ""] = /dapr\/([^/?]+)(?:\/raiseEvent.*)?$/.exec(path) ?? [];
    const starting = /start\?instanceID=(.*)$/.exec(path)?.[1];
    if (lost.includes(starting ?? id)) return contradicts;
    if (starting) started.add(starting);
    if (path.includes("raiseEvent") && started.has(id)) told.push(id);
    const state = JSON.stringify({ runtimeStatus: failed.includes(id) ? "FAILED" : "RUNNING" });
    return answer(starting || started.has(id) ? 202 : 404, state);
  };
  const must = async (part: string, method: string, path: string) => {
    const found = await call(method, path);
    if (found.status >= 300) throw new Unavailable(part, new Error(found.text));
    return found;
  };
  return { told, started, dapr: { call, must } };
}
const hint = { workflow: "saga-v1", id: "order", input: {}, event: "changed", data: {} };

test("what cannot be read any more is not given up at once", async () => {
  const { dapr, told } = engine(["order"]);
  await expect(workflows(dapr).tell(hint)).rejects.toThrow("workflow");
  expect(told).toEqual([]);
});

test("in the place of an instance that stays lost another one is started and told, from then on", async () => {
  vi.useFakeTimers();
  const { dapr, told, started } = engine(["order"]);
  const { tell, start } = workflows(dapr);
  await expect(tell(hint)).rejects.toThrow("workflow");
  vi.advanceTimersByTime(30_000);
  await tell(hint);
  await tell(hint);
  await start(hint);
  expect(told).toEqual(["order_again", "order_again"]);
  expect([...started]).toEqual(["order", "order_again"]);
});

test("an instance that is not there yet is started first", async () => {
  const { dapr, told, started } = engine([]);
  await workflows(dapr).tell(hint);
  expect(told).toEqual(["order"]);
  expect([...started]).toEqual(["order"]);
});

test.each([
  ["lost", ["order"], [], ["order", "order_again"]],
  ["failed", [], ["order"], ["order", "order_again"]],
  ["failed twice", [], ["order", "order_again"], ["order", "order_again", "order_again_again"]],
])("in the place of an instance that is %s another one is started", async (_, lost, failed, instances) => {
  vi.useFakeTimers();
  const { dapr, started } = engine(lost, failed);
  const { replaceDead } = workflows(dapr);
  if (lost.length > 0) await expect(replaceDead(hint)).rejects.toThrow("workflow");
  vi.advanceTimersByTime(30_000);
  await replaceDead(hint);
  await replaceDead(hint);
  expect([...started]).toEqual(instances);
});

test("where nobody is connected a new worker tries, and then the sidecar is ended; where one is, nothing happens", async () => {
  vi.useFakeTimers();
  let connectedWorkers: number | undefined;
  const done: string[] = [];
  const call = async (_: string, path: string) => {
    if (path === "/v1.0/shutdown") done.push("end");
    return {
      status: 200,
      text: JSON.stringify({ ...(connectedWorkers && { workflows: { connectedWorkers } }) }),
      etag: undefined,
    };
  };
  const log = { warn: () => undefined, error: () => undefined };
  const look = engineWatch({ call }, () => done.push("renew"), log);
  const pass = async (seconds: number) => {
    for (let n = 0; n < seconds; n++) {
      await look();
      vi.advanceTimersByTime(1_000);
    }
  };
  await pass(9);
  expect(done).toEqual([]);
  await pass(15);
  expect(done).toEqual(["renew"]);
  connectedWorkers = 1;
  await pass(60);
  connectedWorkers = undefined;
  await pass(9);
  expect(done).toEqual(["renew"]);
  await pass(25);
  expect(done).toEqual(["renew", "renew", "end"]);
});
