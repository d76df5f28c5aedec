import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Broker } from "./broker.js";
import { installed } from "./debian.js";
import type { Instance } from "./instance.js";
import { infraPorts } from "./instance.js";
import { kafkaJars } from "./kafka-jars.js";
import { haveTopics, makeTopics } from "./kafka-topics.js";
import { Refusal, type Say } from "./say.js";
import { run } from "./shell.js";

const neededJava = 17;

/** The Kafka that KAFKA_BROKERS names, else one of our own: one node that is broker and controller. */
export async function kafkaOf(instance: Instance, say: Say): Promise<Broker> {
  const given = process.env.KAFKA_BROKERS;
  if (given) return givenKafka(given);
  const { kafka, kafkaController } = infraPorts(instance);
  const brokers = `127.0.0.1:${kafka}`;
  const [java, jars] = [await javaOf(say), await kafkaJars(say)];
  const classpath = ["-cp", join(jars, "*")];
  const dir = join(instance.dir, "kafka");
  mkdirSync(dir, { recursive: true });
  const properties = join(dir, "server.properties");
  writeFileSync(properties, `${propertiesOf(dir, kafka, kafkaController)}\n`);
  await format(java, classpath, dir, properties);
  const limits = ["-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-Dlog4j2.level=warn"];
  return {
    ports: { kafka, "kafka's controller": kafkaController },
    spec: {
      ...{ name: "kafka", command: java, args: [...limits, ...classpath, "kafka.Kafka", properties], cwd: dir },
      ...{ env: { PATH: process.env.PATH }, rank: 1, graceMs: 20_000 },
    },
    ready: () => haveTopics(brokers),
    env: { KAFKA_BROKERS: brokers },
  };
}

async function givenKafka(brokers: string): Promise<Broker> {
  await makeTopics(brokers).catch((error: Error) => {
    throw new Refusal(`The Kafka that KAFKA_BROKERS=${brokers} names cannot be used: ${error.message}`);
  });
  return { ports: {}, ready: () => haveTopics(brokers), env: { KAFKA_BROKERS: brokers } };
}

function propertiesOf(dir: string, port: number, controller: number): string {
  const settings = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.quorum.voters": `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${port}`,
    "controller.listener.names": "CONTROLLER",
    "log.dirs": dataIn(dir),
    // Nobody else has a copy: on disk before it is acknowledged.
    "log.flush.interval.messages": 1,
    // A misspelt topic is an error and no topic.
    "auto.create.topics.enable": false,
    "offsets.topic.num.partitions": 4,
    "offsets.topic.replication.factor": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
    // Sized for one machine.
    "log.segment.bytes": 64 * 2 ** 20,
    "log.index.size.max.bytes": 2 ** 20,
    "log.cleaner.dedupe.buffer.size": 8 * 2 ** 20,
    "num.network.threads": 2,
    "num.io.threads": 4,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join("\n");
}

const dataIn = (dir: string) => join(dir, "data");

/** Once: an empty folder is no storage to Kafka. */
async function format(java: string, classpath: string[], dir: string, properties: string): Promise<void> {
  if (existsSync(join(dataIn(dir), "meta.properties"))) return;
  const about = ["--cluster-id", "orders-on-dapr-00000000", "--config", properties, "--ignore-formatted"];
  const { code, output } = await run(java, ["-Xmx128m", ...classpath, "kafka.tools.StorageTool", "format", ...about]);
  if (code !== 0) throw new Refusal(`Kafka's storage in ${dir} could not be made:\n${output.slice(-1500)}`);
}

async function javaOf(say: Say): Promise<string> {
  const otherwise =
    "install Java 17 or newer (for example `sudo apt-get install default-jre-headless` or `brew install openjdk`), or " +
    "name a Kafka that runs with KAFKA_BROKERS=host:9092, then run this again.";
  const java = await installed({ command: "java", packages: ["default-jre-headless"], otherwise }, say);
  const { output } = await run(java, ["-version"]);
  if (!isNewEnough(output)) throw new Refusal(`${java} is no Java ${neededJava}: ${otherwise}`);
  return java;
}

/** True for what Java 17 and later say of themselves: `openjdk version "17.0.15" …`. */
export const isNewEnough = (output: string): boolean => Number(/version "(\d+)/.exec(output)?.[1]) >= neededJava;
