import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { logger } from "./log.js";
import { Unavailable } from "./problem.js";
import { settings } from "./settings.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A store that a test changes and takes away, and two settings that follow it. */
function following(first: Record<string, string>) {
  const store = { away: false, values: first };
  const must = async (_part: string, _method: string, path: string) => {
    if (store.away) throw new Unavailable("configuration");
    const keys = new URL(path, "http://here").searchParams.getAll("key");
    const items = keys.flatMap((key) => (key in store.values ? [[key, { value: store.values[key] }]] : []));
    return { status: 200, text: items.length > 0 ? JSON.stringify(Object.fromEntries(items)) : "" };
  };
  const log = logger("test", "silent");
  const warnings: string[] = [];
  vi.spyOn(log, "warn").mockImplementation((_: unknown, sentence?: string) => void warnings.push(sentence ?? ""));
  const live = settings({ must }, log, ["payment_window_seconds", "currencies"]);
  return { store, warnings, log, live, later: () => vi.advanceTimersByTimeAsync(2_500) };
}

test("what is set counts, what is not has its default; before the start nothing is known", async () => {
  const { live } = following({ currencies: "JPY" });
  expect(() => live.now()).toThrow(Unavailable);
  await live.start();
  expect(live.now()).toEqual({ payment_window_seconds: 1800, currencies: ["JPY"], log_level: "default" });
  live.stop();
});

test("a change is followed, and so is its way back to the default", async () => {
  const { live, store, later } = following({});
  await live.start();
  store.values = { payment_window_seconds: "60" };
  await later();
  expect(live.now().payment_window_seconds).toBe(60);
  store.values = {};
  await later();
  expect(live.now().payment_window_seconds).toBe(1800);
  live.stop();
});

test("a wrong value is refused, once told of, and keeps no other from changing", async () => {
  const { live, store, warnings, later } = following({ payment_window_seconds: "60" });
  await live.start();
  store.values = { payment_window_seconds: "soon", currencies: "EUR" };
  await later();
  await later();
  expect(live.now()).toEqual({ payment_window_seconds: 60, currencies: ["EUR"], log_level: "default" });
  expect(warnings).toEqual([expect.stringMatching(/payment_window_seconds is "soon" .* expected a whole number/)]);
  store.values = { payment_window_seconds: "never", currencies: "EUR" };
  await later();
  expect(warnings).toHaveLength(2);
  store.values = { payment_window_seconds: "90", currencies: "EUR" };
  await later();
  expect([live.now().payment_window_seconds, warnings.length]).toEqual([90, 2]);
  live.stop();
});

test("while the store is away the last values stay, which is told of once; then it is followed again", async () => {
  const { live, store, warnings, later } = following({ payment_window_seconds: "60" });
  await live.start();
  store.away = true;
  await later();
  await later();
  expect([live.now().payment_window_seconds, warnings.length]).toEqual([60, 1]);
  store.away = false;
  store.values = { payment_window_seconds: "90" };
  await later();
  expect(live.now().payment_window_seconds).toBe(90);
  live.stop();
});

test("at the start a wrong value, or no store, is a failure that says so", async () => {
  const { live, store } = following({ currencies: "EUR,euro" });
  await expect(live.start()).rejects.toThrow(/^currencies is "EUR,euro" \(1: .+\), expected ISO 4217 codes/);
  store.away = true;
  await expect(live.start()).rejects.toThrow(Unavailable);
  expect(() => live.now()).toThrow(Unavailable);
});

test("how much is logged follows what is set, and its way back to how the service was started", async () => {
  const { live, log, store, later } = following({});
  await live.start();
  store.values = { log_level: "debug" };
  await later();
  expect(log.level).toBe("debug");
  store.values = { log_level: "chatty" };
  await later();
  expect(log.level).toBe("debug");
  store.values = {};
  await later();
  expect(log.level).toBe("silent");
  live.stop();
});
