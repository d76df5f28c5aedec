import { randomUUID } from "node:crypto";
import type { EventOf, Topic } from "../contracts/events.js";
import { batched } from "./batch.js";
import { context, freshTraceparent } from "./context.js";
import type { Dapr } from "./dapr.js";
import { Unavailable } from "./problem.js";

/** An event to be said; `id` is the same for the same fact, however often it is said. */
export type Publication = { [T in Topic]: { publish: T; id: string; data: EventOf<T> } }[Topic];

type Entry = { entryId: string; event: { subject: string } };
type Publish = (entry: Entry) => Promise<boolean>;

const type = "application/cloudevents+json";
const atOnce = { most: 50, lanes: 2 };

/** Says events as this app, those of a topic that come at the same time together. Throws when Dapr does not take it. */
export function publisher(dapr: Dapr, app: string) {
  const topics = new Map<Topic, Publish>();
  const to = (topic: Topic): Publish => {
    const known = topics.get(topic) ?? batched(atOnce, (entries: Entry[]) => publishAll(topic, entries));
    topics.set(topic, known);
    return known;
  };

  /** Which of them Dapr has accepted. */
  async function publishAll(topic: Topic, entries: Entry[]): Promise<boolean[]> {
    const [first] = entries as [Entry];
    if (entries.length === 1) {
      const path = `/v1.0/publish/pubsub/${topic}?metadata.partitionKey=${first.event.subject}`;
      await dapr.must("pubsub", "POST", path, first.event, type);
      return [true];
    }
    const bulk = entries.map(({ event, entryId }) => ({
      ...{ entryId, event, contentType: type, metadata: { partitionKey: event.subject } },
    }));
    const { status, text } = await dapr.call("POST", `/v1.0-alpha1/publish/bulk/pubsub/${topic}`, bulk);
    if (status < 300) return entries.map(() => true);
    const failed = failedIn(text);
    if (!failed) throw new Unavailable("pubsub", new Error(`${status} ${text.slice(0, 500)}`));
    return entries.map(({ entryId }) => !failed.has(entryId));
  }

  return async ({ publish: topic, id, data }: Publication): Promise<void> => {
    const traceparent = context()?.traceparent ?? freshTraceparent();
    const event = {
      specversion: "1.0",
      id,
      source: app,
      type: topic,
      subject: data.order_id,
      time: new Date().toISOString(),
      datacontenttype: "application/json",
      traceparent,
      // Without it a batch would be given the trace of the batch.
      traceid: traceparent,
      data,
    };
    if (!(await to(topic)({ entryId: randomUUID(), event }))) throw new Unavailable("pubsub");
  };
}

/** The entries that a bulk publish has refused, or nothing when the answer is another error: then none is known to be sent. */
function failedIn(text: string): Set<string> | undefined {
  try {
    const { failedEntries } = JSON.parse(text) as { failedEntries?: { entryId: string }[] };
    return failedEntries?.length ? new Set(failedEntries.map(({ entryId }) => entryId)) : undefined;
  } catch {
    return undefined;
  }
}
