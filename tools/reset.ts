import { existsSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { events } from "../contracts/events.js";
import { dropDatabases } from "./databases.js";
import { type Instance, instanceOf } from "./instance.js";
import { forgetTopics } from "./kafka-topics.js";
import { outsideOf, serverOf } from "./postgres.js";
import { forgetStreams } from "./redis.js";
import { help } from "./say.js";
import { stopInstance } from "./stop.js";

const usage = `
npm run reset        stop the system and delete all its data: orders, accounts, messages, the provider's ledger, logs

  PORT_BASE, ORDERS_DATA, POSTGRES_URL, KAFKA_BROKERS   which one, when it was started with them
`;

// By name: a mistaken ORDERS_DATA must not cost anyone a folder of theirs.
const ours = [
  ...[
    "config",
    "logs",
    "postgres",
    "provider",
    "redis",
    "kafka",
    "kubernetes",
    "scheduler",
    "control.sock",
    "dapr.env",
    "foreign-redis",
  ],
  ...[
    "names.db",
    "names.db-journal",
    "names.db-shm",
    "names.db-wal",
    "pids.json",
    "pids.json.new",
    "restored.json",
    "secrets.json",
  ],
];

export async function run(args: string[]): Promise<void> {
  help(args, usage);
  const instance = instanceOf();
  await reset(instance);
  console.log(`All data of ${instance.dir} is deleted: the next npm start begins afresh.`);
}

/** Stops an instance and deletes what it has stored, wherever that is. */
export async function reset(instance: Instance): Promise<void> {
  const { dir } = instance;
  if (await stopInstance(dir)) console.log("Stopped.");
  if (process.env.POSTGRES_URL) await dropDatabases(serverOf(instance, ""));
  if (existsSync(dir)) await forgetMessages(instance);
  rmSync(outsideOf(dir), { recursive: true, force: true });
  if (!existsSync(dir)) return;
  for (const name of ours) rmSync(join(dir, name), { recursive: true, force: true });
  if (readdirSync(dir).length === 0) rmdirSync(dir);
}

/** Deletes our messages from a broker that is not ours. */
export async function forgetMessages(instance: Instance): Promise<void> {
  const streams = await forgetStreams(instance, isOurTopic);
  if (streams.length > 0) console.log(`Deleted from Redis: ${streams.join(", ")}.`);
  const brokers = process.env.KAFKA_BROKERS;
  const topics = brokers ? await forgetTopics(brokers) : [];
  if (topics.length > 0) console.log(`Deleted from Kafka: ${topics.join(", ")}.`);
}

const isOurTopic = (key: string) => key in events || key.startsWith("dead-letter.");
