import type Router from "@koa/router";
import { z } from "zod";
import { canonical, type EventOf, events, type Topic } from "../contracts/events.js";
import { about } from "./context.js";
import { type Deps, deadLetters } from "./dead-letters.js";
import { waitingRoom, whenEarly } from "./early.js";
import { fault } from "./faults.js";
import { isStorable, readAnyJson } from "./http.js";
import { timed } from "./metrics.js";
import { type Early, Unhandleable } from "./problem.js";

export type Envelope = { id: string; source: string };
export type Handlers = { [T in Topic]?: (data: EventOf<T>, event: Envelope) => Promise<unknown> };

const CloudEvent = z.object({
  id: z.string().min(1).max(200),
  source: z.string(),
  data: z.unknown(),
});
/** What comes from a dead-letter topic: the message as it was, in a wrapping of Dapr's. */
const Raw = z.object({ data_base64: z.base64() });
/** Dapr names the topic of what it publishes; a foreign program at least the type, which is the same word. */
const Addressed = z.object({ topic: z.string().optional(), type: z.string().optional() });

/**
 * Subscribes the app to the topics it has handlers for. Success is acknowledged after the effect is stored; what can
 * never be handled becomes a dead letter row and is acknowledged, what is early a row that waits; anything else answers
 * 5xx and comes again. Gives what tries the early ones again: to be called every second where handlers throw Early.
 */
export function subscribe(router: Router, app: string, handlers: Handlers, deps: Deps): () => Promise<void> {
  const deadLetterTopic = `dead-letter.${app}`;
  const topics = Object.keys(handlers) as Topic[];
  const isOurs = (topic: string | undefined): topic is Topic => topics.includes(topic as Topic);

  router.get("/dapr/subscribe", (ctx) => {
    ctx.body = [
      ...topics.map((topic) => ({ pubsubname: "pubsub", topic, route: `/events/${topic}`, deadLetterTopic })),
      // Raw, because what is no event at all could not be delivered as one.
      { pubsubname: "pubsub", topic: deadLetterTopic, route: "/dead-letters", metadata: { rawPayload: "true" } },
    ];
  });

  /** Hands an event to its handler; gives the reason when it can never be handled. */
  async function handle(topic: Topic, body: unknown): Promise<string | undefined> {
    const event = CloudEvent.safeParse(body);
    const data = events[topic].safeParse(canonical(event.data?.data));
    if (!event.success) return why(event.error);
    if (!data.success) return why(data.error);
    if (!isStorable(data.data)) return "holds text that no database stores";
    about(data.data.order_id);
    const { id, source } = event.data;
    const handler = handlers[topic] as (data: unknown, event: Envelope) => Promise<unknown>;
    try {
      await fault("before-handle", topic, event.data);
      await handler(data.data, { id, source });
      await fault("before-acknowledge", topic, event.data);
      deps.log.debug({ topic, event: id, source }, "event handled");
      return undefined;
    } catch (error) {
      if (error instanceof Unhandleable) return error.message;
      throw error;
    }
  }

  const redrive = async (topic: string, message: string) => {
    const body = parsed(message);
    if (body === undefined) return "is not JSON; it can only be discarded";
    if (!isOurs(topic)) return `${app} does not listen to ${topic}; it can only be discarded`;
    return whenEarly(handle(topic, body), (early) => early.message);
  };
  const setAside = deadLetters(router, app, redrive, deps);
  const delivered = (topic: Topic, body: unknown) => processed(topic, () => handle(topic, body));
  const room = waitingRoom(deps, (topic, message) => delivered(topic, parsed(message)), setAside);

  for (const topic of topics) {
    router.post(`/events/${topic}`, async (ctx) => {
      const body = await readAnyJson(ctx);
      const keep = (early: Early) => room.keep(topic, JSON.stringify(body), early);
      const reason = await whenEarly(delivered(topic, body), keep);
      if (reason !== undefined) await setAside(topic, JSON.stringify(body), reason);
      ctx.body = { status: "SUCCESS" };
    });
  }

  router.post("/dead-letters", async (ctx) => {
    const raw = Raw.parse(await readAnyJson(ctx));
    const message = Buffer.from(raw.data_base64, "base64").toString();
    const { topic, type } = Addressed.safeParse(parsed(message)).data ?? {};
    await setAside([topic, type].find(isOurs) ?? deadLetterTopic, message, "undeliverable");
    ctx.body = { status: "SUCCESS" };
  });
  return room.pass;
}

const processed = (topic: Topic, work: () => Promise<string | undefined>) =>
  timed("messaging.process.duration", { "messaging.destination.name": topic }, work, (reason) =>
    reason === undefined ? "handled" : "set_aside",
  );

const why = ({ issues }: z.ZodError): string =>
  issues.map(({ path, message }) => `${path.join(".") || "the event"}: ${message}`).join("; ");

function parsed(message: string): unknown {
  try {
    return JSON.parse(message);
  } catch {
    return undefined;
  }
}
