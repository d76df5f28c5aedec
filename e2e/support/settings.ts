import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Short times, so that what takes half an hour in a shop takes seconds in a test; and tests ask more often than people. */
export const settings = {
  payment_window_seconds: "15",
  repeat_interval_seconds: "4",
  requests_per_minute: "1000000",
  sign_ins_per_minute: "100000",
};

/** A file in here, named after a fault point, says what goes wrong there (kit/faults.ts). */
export const faults = join(tmpdir(), `orders-faults-${process.env.PORT_BASE ?? 18080}`);
mkdirSync(faults, { recursive: true });
export const appEnv = {
  FAULTS_DIR: faults,
  CORS_ORIGINS: "https://shop.example",
  RECONCILE_QUIET_SECONDS: "2",
  RETENTION_SPEED: "60",
};

/** Where e2e/support/catcher.ts listens, for the system that e2e/mail.ts looks at; the other sends no mail. */
export const mailPort = Number(process.env.PORT_BASE ?? 18080) - 8080 + 2525;
export const mailEnv = {
  SMTP_HOST: "127.0.0.1",
  SMTP_PORT: String(mailPort),
  SMTP_FROM: "Orders <shop@orders.local>",
  SMTP_USER: "",
  SMTP_PASSWORD: "",
};

/** Where e2e/support/otlp.ts listens, for spans. */
export const otlpPort = Number(process.env.PORT_BASE ?? 18080) - 8080 + 4318;
