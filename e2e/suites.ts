import type { LaunchOptions } from "../tools/supervisor.js";
import { appEnv, mailEnv, otlpPort, settings } from "./support/settings.js";

/** A system of its own with fresh data, and what is asked of it: Vitest projects, one run after the other. */
export type Suite = {
  says: string;
  projects: (string | string[])[];
  launch?: LaunchOptions;
  /** The tests start, stop and crash their system themselves (e2e/support/own.ts). */
  own?: boolean;
  /** Programs of examples/ that take the place of apps. */
  instead?: Record<string, string>;
  /** For the system's processes and the tests. */
  env?: Record<string, string>;
};

// No test but those of mail writes to anyone, whatever is set.
const noMail = { SMTP_HOST: "" };
const launch = { settings, appEnv };

/** Nobody's time is over by accident, and the saga asks again soon. */
const patient = { settings: { ...settings, payment_window_seconds: "600", repeat_interval_seconds: "3" }, appEnv };

/** `drift` and `logs` come last: what all tests of a suite left behind adds up, and tells no secret. */
export const suites: Record<string, Suite> = {
  e2e: { says: "the system from outside", projects: ["e2e", ["drift", "logs"]], launch, env: noMail },
  mtls: {
    says: "the system with mTLS: who may ask whom, and who is nobody",
    projects: ["mtls", ["drift", "logs"]],
    launch: { ...launch, mtls: true },
    env: noMail,
  },
  mail: {
    says: "the system that sends mail, to a catcher of the test's own",
    projects: ["mail", "logs"],
    launch,
    env: mailEnv,
  },
  failures: {
    says: 'what may go wrong at each step of an order; CELLS="paid × error" only there',
    projects: ["failures", "together", "stranded", "drift"],
    launch: patient,
    env: noMail,
  },
  kafka: {
    says: "what Kafka promises beside what every broker must, and programs of others beside ours (3 minutes)",
    projects: ["kafka", ["drift", "logs"]],
    launch: { ...launch, broker: "kafka" },
    env: noMail,
  },
  "kafka-e2e": {
    says: "the system from outside, on Kafka (7 minutes)",
    projects: ["e2e", ["drift", "logs"]],
    launch: { ...launch, broker: "kafka" },
    env: noMail,
  },
  "kafka-failures": {
    says: "what may go wrong at each step of an order, on Kafka",
    projects: ["failures", "together", "stranded", "drift"],
    launch: { ...patient, broker: "kafka" },
    env: noMail,
  },
  polyglot: {
    says: "the system from outside with the notification service in Go in the place of ours (4 minutes)",
    projects: ["e2e", "polyglot", ["drift", "logs"]],
    launch,
    instead: { notification: "notification-go" },
    env: noMail,
  },
  replicas: {
    says: "the system from outside with two of every service",
    projects: ["e2e", "replicas", "drift"],
    launch: { ...launch, replicas: 2 },
    env: noMail,
  },
  rolling: {
    says: 'each service replaced under load, as Kubernetes does it; ROLL="order,payment" only these (3 minutes)',
    projects: ["rolling", "drift"],
    // A balancer on a busy machine takes its time to notice.
    launch: {
      settings,
      appEnv: { ...appEnv, NOTICE_SECONDS: "3", DRAIN_SECONDS: "9" },
      replicas: 2,
      blockShutdown: "4s",
    },
    env: noMail,
  },
  resiliency: {
    says: "timeouts, retries and breakers between the services, as Dapr counts them",
    projects: ["resiliency", "drift"],
    launch,
    env: noMail,
  },
  console: {
    says: "the console in a real browser; SCREENSHOTS=1 writes docs/images anew (2 minutes)",
    projects: ["console", "drift"],
    launch: {
      settings: { ...settings, payment_window_seconds: "600" },
      appEnv: { ...appEnv, TRACE_URL: "https://traces.example/{trace_id}" },
      proof: true,
    },
    env: noMail,
  },
  abuse: {
    says: "the system among clients that are not polite (2 minutes)",
    projects: ["abuse", "drift"],
    launch: {
      settings: { requests_per_minute: "1000000", sign_ins_per_minute: "1000" },
      appEnv: { RECONCILE_QUIET_SECONDS: "2" },
    },
    env: noMail,
  },
  observe: {
    says: "metrics, dashboards and alerts, before a real Prometheus (3 minutes)",
    projects: ["observe", "drift"],
    launch: { ...launch, observe: true },
    env: noMail,
  },
  histories: {
    says: "sagas as they are recorded; RECORD=true keeps them for the unit tests",
    projects: ["histories"],
    launch,
    env: noMail,
  },
  traces: {
    says: "one trace per order, as a collector is sent it",
    projects: ["traces", ["drift", "logs"]],
    launch: { ...launch, observe: true },
    env: {
      ...noMail,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${otlpPort}`,
      OTEL_METRICS_EXPORTER: "otlp",
    },
  },
  step: {
    says: "docs/add-a-step.md, followed in a copy of the project (2 minutes)",
    projects: ["step"],
    own: true,
    env: noMail,
  },
  deploy: {
    says: "images, compose file and manifests, before the real parsers and schemas; needs Go, and no container engine",
    projects: ["deploy"],
    own: true,
  },
  apiserver: {
    says: "manifests, before a real API server with real controllers and Dapr's injector (1 minute; needs Go)",
    projects: ["apiserver"],
    own: true,
  },
  upgrade: {
    says: "a second build replaces the first while orders are under way, and back",
    projects: ["upgrade"],
    own: true,
    env: noMail,
  },
  restore: {
    says: "stopped, crashed, parts of its data lost, restored from a back-up and repaired",
    projects: ["restore"],
    own: true,
    env: noMail,
  },
};

/** Those of `npm test`; the others take longer and are asked for by name. */
export const usual = ["e2e", "mail"];
