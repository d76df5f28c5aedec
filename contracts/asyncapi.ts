import { z } from "zod";
import { events, type Topic, topics } from "./events.js";
import { type JsonSchema, tidy } from "./json-schema.js";

// The events table as an AsyncAPI document: a topic is a channel; who publishes and who hears it are operations.

export type AsyncApi = ReturnType<typeof asyncapi>;

const names = Object.keys(events) as Topic[];
const each = <T>(of: (topic: Topic) => T) => Object.fromEntries(names.map((topic) => [topic, of(topic)]));

export function asyncapi(version: string) {
  return {
    asyncapi: "3.0.0",
    info: {
      title: "orders on Dapr: events",
      version,
      description:
        "What the services tell each other, as CloudEvents 1.0 through Dapr pub/sub. At least once, and in no promised order across topics: every consumer knows by `id` what it has done. The key is the order's id. On Kafka an event comes in the structured mode of CloudEvents: the record's value is all of it.",
    },
    defaultContentType: "application/cloudevents+json",
    channels: each((topic) => ({
      address: topic,
      summary: topics[topic].says,
      ...(topics[topic].also && { description: `Also published by ${topics[topic].also}, in the same words.` }),
      messages: { [topic]: { $ref: `#/components/messages/${topic}` } },
    })),
    operations: Object.fromEntries(
      names.flatMap((topic) => [
        operation(topic, topics[topic].from, "send" as const),
        ...topics[topic].to.map((service) => operation(topic, service, "receive" as const)),
      ]),
    ),
    components: {
      messages: each((topic) => ({
        name: topic,
        summary: topics[topic].says,
        contentType: "application/cloudevents+json",
        payload: envelope(topic),
        bindings: { kafka: { key: { type: "string", format: "uuid", description: "The order's id" } } },
      })),
      schemas: each(data),
    },
  };
}

const operation = (topic: Topic, service: string, action: "send" | "receive") =>
  [
    `${service}.${action}.${topic}`,
    {
      action,
      channel: { $ref: `#/channels/${topic}` },
      messages: [{ $ref: `#/channels/${topic}/messages/${topic}` }],
      tags: [{ name: service }],
    },
  ] as const;

const envelope = (topic: Topic) => ({
  type: "object",
  required: ["specversion", "id", "source", "type", "data"],
  properties: {
    specversion: { const: "1.0" },
    id: { type: "string", minLength: 1, maxLength: 200, description: "The same fact has the same id, on every repeat" },
    source: { type: "string", description: `The service that says it: ${topics[topic].from}` },
    type: { const: topic },
    subject: { type: "string", format: "uuid", description: "The order's id" },
    time: { type: "string", format: "date-time" },
    datacontenttype: { const: "application/json" },
    traceparent: { type: "string", description: "W3C trace context" },
    data: { $ref: `#/components/schemas/${topic}` },
  },
});

/** Fields may be added to an event, so what a reader does not know is allowed. */
function data(topic: Topic): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(events[topic], {
    target: "draft-7",
    io: "input",
    override: ({ jsonSchema }) => tidy(jsonSchema),
  });
  return schema;
}
