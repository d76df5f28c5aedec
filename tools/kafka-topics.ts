import { type Admin, Kafka, logLevel } from "kafkajs";
import { Consumer } from "../contracts/admin.js";
import { events } from "../contracts/events.js";

/** So many of an app's messages of a topic are handled at once, by all its replicas together. */
const partitions = 12;

export const topics = [
  ...Object.keys(events).map((topic) => ({ topic, numPartitions: partitions })),
  ...Consumer.options.map((app) => ({ topic: `dead-letter.${app}`, numPartitions: 1 })),
];

export const kafkaClient = (brokers: string) =>
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

/** Makes the topics that are missing. True when every partition of all of them has a leader who answers; throws until then. */
export const haveTopics = (brokers: string): Promise<boolean> =>
  asAdmin(brokers, async (admin) => {
    const there = await admin.listTopics();
    const missing = topics.filter(({ topic }) => !there.includes(topic));
    if (missing.length > 0) await admin.createTopics({ topics: missing, waitForLeaders: false });
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
