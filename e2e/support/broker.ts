import { type Consumer, Kafka, logLevel, Partitioners } from "kafkajs";
import { infraPorts, instanceOf } from "../../tools/instance.js";
import { redis } from "../../tools/redis-client.js";

// The broker itself, for a program that knows the contract but not Dapr.

/** A message as the broker has it. */
type Found = { text: string; at: string };
export type Broker = {
  /** Exactly this text, whatever it is; of one key in order. */
  say: (topic: string, text: string, key?: string) => Promise<void>;
  /** The newest message of a topic that holds the text. */
  find: (topic: string, text: string) => Promise<Found | undefined>;
  /** Says a message that was found once more, with all that belongs to it. */
  repeat: (topic: string, found: Found) => Promise<void>;
  /** Loses it. */
  lose: (topic: string, found: Found) => Promise<void>;
};

/** The broker of this system, which is also the name of its process. */
export const brokerName = process.env.E2E_BROKER === "kafka" ? "kafka" : "redis";
/** Nobody stops a Kafka that was given. */
export const brokerIsOurs = brokerName !== "kafka" || !process.env.KAFKA_BROKERS;
const ports = infraPorts(instanceOf({ portBase: Number(process.env.PORT_BASE) }));
export const kafkaBrokers = process.env.KAFKA_BROKERS ?? `127.0.0.1:${ports.kafka}`;

function redisBroker(): Broker {
  const ask = (...command: string[]) => redis(ports.redis, command);
  const fieldsOf = new Map<string, string[]>();
  return {
    say: async (topic, text) => void (await ask("XADD", topic, "*", "data", text)),
    async find(topic, text) {
      const entries = (await ask("XREVRANGE", topic, "+", "-", "COUNT", "2000")) as [string, string[]][];
      const entry = entries.find(([, fields]) => fields.join(" ").includes(text));
      if (!entry) return undefined;
      const [at, fields] = entry;
      fieldsOf.set(at, fields);
      return { at, text: fields.join(" ") };
    },
    repeat: async (topic, { at }) => void (await ask("XADD", topic, "*", ...(fieldsOf.get(at) as string[]))),
    async lose(topic, { at }) {
      if ((await ask("XDEL", topic, at)) !== 1) throw new Error(`${topic} has no message ${at} to lose`);
    },
  };
}

function kafkaBroker(): Broker {
  type Record = { key: Buffer | null; value: Buffer | null; headers?: object; offset: string };
  type Kept = Record & { partition: number };
  const kafka = new Kafka({ brokers: kafkaBrokers.split(","), clientId: "foreign", logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  const connected = producer.connect();
  const logs = new Map<string, Promise<Kept[]>>();
  const readers: Consumer[] = [];

  /** All that a topic holds, growing. */
  async function follow(topic: string): Promise<Kept[]> {
    const kept: Kept[] = [];
    const reader = kafka.consumer({ groupId: `foreign-${crypto.randomUUID()}` });
    readers.push(reader);
    await reader.connect();
    await reader.subscribe({ topic, fromBeginning: true });
    await reader.run({
      eachMessage: async ({ partition, message }) => void kept.push({ ...(message as Record), partition }),
    });
    return kept;
  }
  const logOf = (topic: string) => {
    const log = logs.get(topic) ?? follow(topic);
    logs.set(topic, log);
    return log;
  };
  const atOf = ({ partition, offset }: Kept) => `${partition}:${offset}`;
  const send = async (topic: string, message: object) => {
    await connected;
    await producer.send({ topic, messages: [message as { value: string }] });
  };

  return {
    say: (topic, text, key) => send(topic, { key: key ?? null, value: text }),
    async find(topic, text) {
      const log = await logOf(topic);
      const kept = log.findLast(({ value }) => value?.toString().includes(text));
      return kept && { at: atOf(kept), text: String(kept.value) };
    },
    async repeat(topic, { at }) {
      const { key, value, headers } = (await logOf(topic)).find((kept) => atOf(kept) === at) as Kept;
      await send(topic, { key, value, headers });
    },
    /** Kafka only loses what is oldest in a partition: so all up to there. */
    async lose(topic, { at }) {
      const [partition, offset] = at.split(":").map(Number) as [number, number];
      const admin = kafka.admin();
      await admin.connect();
      // By which it learns who leads the partition.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset + 1) }] });
      await admin.disconnect();
    },
  };
}

export const broker = brokerName === "kafka" ? kafkaBroker() : redisBroker();
