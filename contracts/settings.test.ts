import { describe, expect, test } from "vitest";
import { type Key, readSetting, settings } from "./settings.js";

test.each(Object.keys(settings) as Key[])("the default of %s is right", (key) => {
  expect(readSetting(key, undefined)).toEqual(readSetting(key, settings[key].otherwise));
  expect(readSetting(key, undefined)).toHaveProperty("value");
});

test.each([
  ["payment_window_seconds", "60", 60],
  ["currencies", "EUR, JPY", ["EUR", "JPY"]],
  ["tax_rates", '{"EUR":{"DE":1900,"*":0},"JPY":{"*":1000}}', { EUR: { DE: 1900, "*": 0 }, JPY: { "*": 1000 } }],
] as const)("%s = %s", (key, text, value) => expect(readSetting(key, text)).toEqual({ value }));

describe("refused, with what is wrong and what is expected", () => {
  test.each([
    ["payment_window_seconds", "", "not a whole number"],
    ["payment_window_seconds", "1.5", "not a whole number"],
    ["payment_window_seconds", "0", ">=1"],
    ["repeat_interval_seconds", "3601", "<=3600"],
    ["keep_idempotency_keys_days", "0", ">=1"],
    ["keep_notifications_days", "6", ">=7"],
    ["currencies", "", "Invalid string"],
    ["currencies", "EUR,ABC", "1: no currency of ISO 4217"],
    ["tax_rates", "19", "expected record"],
    ["tax_rates", "{", "not JSON"],
    ["tax_rates", '{"EUR":{"DE":10001}}', "EUR: DE: Too big"],
    ["tax_rates", '{"EUR":{"DE":-1}}', "EUR: DE: Too small"],
    ["tax_rates", '{"EUR":{"DE":19.5}}', "EUR: DE: "],
    ["tax_rates", '{"EUR":{"Germany":1900}}', "EUR: Germany: "],
    ["tax_rates", '{"ABC":{"*":1900}}', "ABC: "],
  ] as const)("%s = %s", (key, text, problem) => {
    const { wrong } = readSetting(key, text) as { wrong: string };
    expect(wrong).toContain(`${key} is ${JSON.stringify(text)} (`);
    expect(wrong).toContain(problem);
    expect(wrong).toContain(`, expected ${settings[key].form}`);
  });
});
