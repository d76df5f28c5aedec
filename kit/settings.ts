import { type Key, readSetting, type Settings } from "../contracts/settings.js";
import type { Dapr } from "./dapr.js";
import { every, type Loop } from "./every.js";
import type { Logger } from "./log.js";
import { Unavailable } from "./problem.js";

const pause = 2_000;
/** What every service follows, whatever else it asks for. */
type Shared = "log_level";

/**
 * These settings as the configuration store has them, read at start and then every other second. At start a wrong value
 * keeps the service from being ready; later it is refused and the last right one stays, as it does without the store.
 */
export function settings<K extends Key>(dapr: Pick<Dapr, "must">, log: Logger, own: readonly K[]) {
  const keys: readonly (K | Shared)[] = [...own, "log_level"];
  const startLevel = log.level;
  const path = `/v1.0/configuration/configuration?${keys.map((key) => `key=${key}`).join("&")}`;
  const seen = new Map<Key, string | undefined>();
  let values: Pick<Settings, K | Shared> | undefined;
  let away = false;
  let polling: Loop | undefined;

  /** What is known from now on; how much is logged follows at once. */
  function know(known: Pick<Settings, K | Shared>): void {
    values = known;
    const { log_level } = known as Pick<Settings, Shared>;
    const level = log_level === "default" ? startLevel : log_level;
    if (log.level !== level) log.level = level;
  }

  async function read(): Promise<{ key: K | Shared; text: string | undefined }[]> {
    const { text } = await dapr.must("configuration", "GET", path);
    const items = (text ? JSON.parse(text) : {}) as Record<string, { value: string }>;
    return keys.map((key) => ({ key, text: items[key]?.value }));
  }

  async function first(): Promise<Pick<Settings, K | Shared>> {
    const right: [Key, unknown][] = [];
    for (const { key, text } of await read()) {
      const setting = readSetting(key, text);
      if ("wrong" in setting) throw new Error(setting.wrong);
      right.push([key, setting.value]);
      seen.set(key, text);
    }
    return Object.fromEntries(right) as Pick<Settings, K | Shared>;
  }

  async function refresh(): Promise<void> {
    for (const { key, text } of await read()) {
      if (text === seen.get(key)) continue;
      seen.set(key, text);
      const setting = readSetting(key, text);
      if ("wrong" in setting) {
        log.warn({ setting: key }, `${setting.wrong}; the last right value stays`);
      } else {
        know({ ...(values as Pick<Settings, K | Shared>), [key]: setting.value });
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
      know(await first());
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
