import { z } from "zod";

/** What every service is told by `dapr run`, the supervisor or the pod. */
const Base = {
  APP_PORT: z.coerce.number().int(),
  DAPR_HTTP_PORT: z.coerce.number().int(),
  DAPR_GRPC_PORT: z.coerce.number().int(),
  LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
  HOST: z.string().default("127.0.0.1"),
  /** With this the sidecar proves that a call comes through it. Without one the port is open to whoever reaches it. */
  APP_API_TOKEN: z.string().optional(),
  /** With this the app proves to its sidecar who it is. */
  DAPR_API_TOKEN: z.string().optional(),
  /** How long a replica that is told to stop waits for its sidecar to leave first (service.ts). */
  DRAIN_SECONDS: z.coerce.number().min(0).default(1),
  /** Where spans are sent to, over OTLP: see trace.ts. */
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url().optional(),
  /** With this Prometheus is answered there (metrics.ts). Without it nothing is counted. */
  METRICS_PORT: z.coerce.number().int().optional(),
  OTEL_METRICS_EXPORTER: z.enum(["prometheus", "otlp", "none"]).default("prometheus"),
  /** Only in tests: see faults.ts. */
  FAULTS_DIR: z.string().optional(),
  /** Only in tests: see retention.ts. */
  RETENTION_SPEED: z.coerce.number().min(1).default(1),
};

export const flag = z
  .enum(["true", "false"])
  .default("false")
  .transform((word) => word === "true");

/** The environment, parsed once, first thing in main.ts; a wrong or missing variable is named and ends the process. */
export function environment<T extends z.ZodRawShape = Record<never, never>>(extra: T = {} as T) {
  const parsed = z.object({ ...Base, ...extra }).safeParse(process.env);
  if (parsed.success) return parsed.data;
  const missing = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
  console.error(`Cannot start: ${missing}. These variables are set by "npm start" and "dapr run -f .".`);
  process.exit(1);
}
