import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Short times, so that what takes half an hour in a shop takes seconds in a test. */
export const settings = { payment_window_seconds: "15", repeat_interval_seconds: "4" };

/** A file in here, named after a crash point, kills the next process that passes it (kit/crash.ts). */
export const crashes = join(tmpdir(), `orders-crash-${process.env.PORT_BASE ?? 18080}`);
mkdirSync(crashes, { recursive: true });
export const appEnv = { CRASH_DIR: crashes, CORS_ORIGINS: "https://shop.example" };
