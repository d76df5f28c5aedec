import { afterEach, expect, test, vi } from "vitest";
import { engineWatch } from "./engine-watch.js";

afterEach(() => vi.useRealTimers());

test("where nobody is connected a new worker tries, and then the sidecar is ended; where one is, nothing happens", async () => {
  vi.useFakeTimers();
  let connectedWorkers: number | undefined;
  let away = false;
  const done: string[] = [];
  const call = async (_: string, path: string) => {
    if (away) throw new Error("away");
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
      await look().catch(() => undefined);
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
  away = true;
  await pass(60);
  away = false;
  await pass(9);
  expect(done).toEqual(["renew", "renew", "end"]);
});
