import { demoAccounts, demoPassword, demoProducts } from "../contracts/demo.js";
import { elapsed, help } from "./say.js";
import { launch, type System } from "./supervisor.js";

const usage = `
npm start            start the whole system and keep it running until Ctrl-C
npm start -- --mtls  the same; Dapr's processes prove to each other who they are, and an app may ask of another only
                     what it needs to ask
npm start -- --observe  the same, with traces and metrics: spans go to OTEL_EXPORTER_OTLP_ENDPOINT, else to a collector on
                     this machine (http://127.0.0.1:4318), and Prometheus is answered on ports 3900 to 3906
npm start -- --kafka  the same on Apache Kafka instead of Redis; it is fetched from Maven Central, and needs Java 17 or newer

  PORT_BASE=20080    the gateway's port; every other port moves by the same step (8080)
  ORDERS_DATA=dir    where data and logs are kept (.run, or .run-<PORT_BASE>)
  ORDERS_REDIS=own   do not use the Redis that already listens on 6379
  KAFKA_BROKERS=…    with --kafka: use this Kafka (host:9092) instead of an own one
  POSTGRES_URL=…     use this PostgreSQL instead of an own one
  DEMO_PASSWORD=…    the password of the demo accounts
  SMTP_HOST=…        send customers mail through this server, from SMTP_FROM; also SMTP_PORT (587), SMTP_USER and
                     SMTP_PASSWORD. Without it their messages are stored, and named in the log
  TRACE_URL=…        where the console links an order's traces to, with {trace_id} in it
  DAPR_RELEASES_URL  a mirror of https://github.com/dapr to download Dapr from
  MAVEN_CENTRAL_URL  a mirror of https://repo.maven.apache.org/maven2 to download Kafka from
`;

export async function run(args: string[]): Promise<void> {
  help(args, usage);
  const since = Date.now();
  const observe = args.includes("--observe");
  const broker = args.includes("--kafka") ? "kafka" : "redis";
  const system = await launch({ mtls: args.includes("--mtls"), observe, broker, proof: true });
  console.log(`\nReady after ${elapsed(since)}.\n\n${map(system)}`);
  if (observe) console.log("\nSpans are sent and metrics served: docs/observability.md says where to look.");
}

function map({ url, apps, dir }: System): string {
  const password = process.env.DEMO_PASSWORD ?? demoPassword;
  return [
    `  console       ${url}   shop, orders, desk, and a crash to watch`,
    `  the API       ${url}/docs, ${url}/docs/events`,
    ...[...apps]
      .sort((a, b) => a.appPort - b.appPort)
      .filter(({ appPort }) => !url.endsWith(`:${appPort}`))
      .map(({ appID, appPort }) => `  ${appID.padEnd(14)}http://127.0.0.1:${appPort}`),
    `  logs          ${dir}/logs`,
    "",
    `  accounts      ${demoAccounts.map(({ email }) => email).join(", ")}`,
    `  password      ${password}`,
    `  try           curl '${url}/products'   (${demoProducts.length} products to begin with)`,
    "",
    "                npm run demo   plays eight stories",
    "",
    "Ctrl-C stops everything.",
  ].join("\n");
}
