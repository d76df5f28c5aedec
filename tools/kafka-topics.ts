import { type Admin, Kafka, logLevel } from "kafkajs";
import { Consumer, type Consumer as Hearer } from "../contracts/admin.js";
import { events, topics as says } from "../contracts/events.js";

/** So many of an app's messages of a topic are handled at once, by all its replicas together. */
const partitions = 12;

export const topics = [
  ...Object.keys(events).map((topic) => ({ topic, numPartitions: partitions })),
  ...Consumer.options.map((app) => ({ topic: `dead-letter.${app}`, numPartitions: 1 })),
];

const kafkaClient = (brokers: string) =>
  new Kafka({
    brokers: brokers.split(","),
    clientId: "orders-on-dapr",
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
  });

async function asAdmin<T>(brokers: string, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafkaClient(brokers).admin();
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

async function makeMissing(admin: Admin): Promise<void> {
  const there = await admin.listTopics();
  const missing = topics.filter(({ topic }) => !there.includes(topic));
  if (missing.length > 0) await admin.createTopics({ topics: missing, waitForLeaders: false });
}

/** Makes the topics that are missing; they take a moment to have leaders. */
export const makeTopics = (brokers: string): Promise<void> => asAdmin(brokers, makeMissing);

/** The same. True when every partition of all of them has a leader who answers; throws until then. */
export const haveTopics = (brokers: string): Promise<boolean> =>
  asAdmin(brokers, async (admin) => {
    await makeMissing(admin);
    await Promise.all(topics.map(({ topic }) => admin.fetchTopicOffsets(topic)));
    return true;
  });

/** Deletes our topics, with all they hold and what was read of them; gives their names. */
export const forgetTopics = (brokers: string): Promise<string[]> =>
  asAdmin(brokers, async (admin) => {
    const there = await admin.listTopics();
    const ours = topics.map(({ topic }) => topic).filter((topic) => there.includes(topic));
    if (ours.length > 0) await admin.deleteTopics({ topics: ours });
    return ours;
  });

/** How many messages the apps have not acknowledged yet. */
export const unhandled = (brokers: string): Promise<number> =>
  asAdmin(brokers, async (admin) => {
    const ends = new Map(
      await Promise.all(topics.map(async ({ topic }) => [topic, await admin.fetchTopicOffsets(topic)] as const)),
    );
    const ofGroup = async (groupId: Hearer): Promise<number> => {
      const heard = Object.entries(says).flatMap(([topic, { to }]) => (to.includes(groupId) ? [topic] : []));
      const read = await admin.fetchOffsets({ groupId, topics: [...heard, `dead-letter.${groupId}`] });
      return read.reduce((sum, { topic, partitions }) => {
        const left = (ends.get(topic) ?? []).map(({ partition, high, low }) => {
          const offset = Number(partitions.find((its) => its.partition === partition)?.offset ?? -1);
          return Number(high) - Math.max(offset, Number(low));
        });
        return sum + left.reduce((one, other) => one + other, 0);
      }, 0);
    };
    return (await Promise.all(Consumer.options.map(ofGroup))).reduce((sum, left) => sum + left, 0);
  });
