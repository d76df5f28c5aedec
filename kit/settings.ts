import { type Key, readSetting, type Settings } from "../contracts/settings.js";
import type { Dapr } from "./dapr.js";
import { every, type Loop } from "./every.js";
import type { Logger } from "./log.js";
import { Unavailable } from "./problem.js";

const pause = 2_000;

/**
 * These settings as the configuration store has them, read at start and then every other second. At start a wrong value
 * keeps the service from being ready; later it is refused and the last right one stays, as it does without the store.
 */
export function settings<K extends Key>(dapr: Pick<Dapr, "must">, log: Logger, keys: readonly K[]) {
  const path = `/v1.0/configuration/configuration?${keys.map((key) => `key=${key}`).join("&")}`;
  const seen = new Map<K, string | undefined>();
  let values: Pick<Settings, K> | undefined;
  let away = false;
  let polling: Loop | undefined;

  async function read(): Promise<{ key: K; text: string | undefined }[]> {
    const { text } = await dapr.must("configuration", "GET", path);
    const items = (text ? JSON.parse(text) : {}) as Record<string, { value: string }>;
    return keys.map((key) => ({ key, text: items[key]?.value }));
  }

  async function first(): Promise<Pick<Settings, K>> {
    const right: [K, unknown][] = [];
    for (const { key, text } of await read()) {
      const setting = readSetting(key, text);
      if ("wrong" in setting) throw new Error(setting.wrong);
      right.push([key, setting.value]);
      seen.set(key, text);
    }
    return Object.fromEntries(right) as Pick<Settings, K>;
  }

  async function refresh(): Promise<void> {
    for (const { key, text } of await read()) {
      if (text === seen.get(key)) continue;
      seen.set(key, text);
      const setting = readSetting(key, text);
      if ("wrong" in setting) {
        log.warn({ setting: key }, `${setting.wrong}; the last right value stays`);
      } else {
        values = { ...(values as Pick<Settings, K>), [key]: setting.value };
        log.info({ setting: key, value: text ?? "default" }, "setting changed");
      }
    }
    away = false;
  }

  return {
    /** The same object until something changes. */
    now(): Pick<Settings, K> {
      if (!values) throw new Unavailable("the configuration");
      return values;
    },
    async start(): Promise<void> {
      values = await first();
      polling ??= every(pause, refresh, (error) => {
        if (!away) log.warn({ err: error }, "the configuration cannot be read, the last values stay");
        away = true;
      });
    },
    stop(): void {
      polling?.stop();
    },
  };
}
