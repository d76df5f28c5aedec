import { createHash } from "node:crypto";
import type Router from "@koa/router";
import { z } from "zod";
import { canonical, type EventOf, events, type Topic } from "../contracts/events.js";
import { about } from "./context.js";
import { crashPoint } from "./crash.js";
import { isStorable, readAnyJson } from "./http.js";
import type { Logger } from "./log.js";
import { Unhandleable } from "./problem.js";
import type { Store } from "./state.js";

export type Envelope = { id: string; source: string };
export type Handlers = { [T in Topic]?: (data: EventOf<T>, event: Envelope) => Promise<unknown> };

const CloudEvent = z.object({
  id: z.string().min(1).max(200),
  source: z.string(),
  data: z.unknown(),
});

/**
 * Subscribes the app to the topics it has handlers for. Success is acknowledged after the effect is stored; what can
 * never be handled becomes a dead letter row and is acknowledged; anything else answers 5xx and comes again.
 */
export function subscribe(router: Router, app: string, handlers: Handlers, store: Store, log: Logger): void {
  const deadLetterTopic = `dead-letter.${app}`;
  const topics = Object.keys(handlers) as Topic[];

  router.get("/dapr/subscribe", (ctx) => {
    ctx.body = [
      ...topics.map((topic) => ({ pubsubname: "pubsub", topic, route: `/events/${topic}`, deadLetterTopic })),
      { pubsubname: "pubsub", topic: deadLetterTopic, route: "/dead-letters" },
    ];
  });

  /** The body is kept as text: what could not be handled may be what no database stores as JSON. */
  async function setAside(topic: string, body: unknown, reason: string): Promise<void> {
    const text = JSON.stringify(body);
    log.error({ topic, reason }, "dead letter");
    const key = `dead-letter:${topic}:${createHash("sha256").update(text).digest("base64url")}`;
    await store.insert(key, { topic, body: text, reason, at: new Date().toISOString() });
  }

  for (const topic of topics) {
    const handle = handlers[topic] as (data: unknown, event: Envelope) => Promise<unknown>;
    router.post(`/events/${topic}`, async (ctx) => {
      const body = await readAnyJson(ctx);
      const event = CloudEvent.safeParse(body);
      const data = events[topic].safeParse(canonical(event.data?.data));
      ctx.body = { status: "SUCCESS" };
      if (!event.success || !data.success || !isStorable(data.data)) {
        const error = event.error ?? data.error;
        await setAside(topic, body, error ? z.prettifyError(error) : "holds text that no database stores");
        return;
      }
      about(data.data.order_id);
      try {
        await handle(data.data, event.data);
        crashPoint(`${app}.before-acknowledge`);
      } catch (error) {
        if (!(error instanceof Unhandleable)) throw error;
        await setAside(topic, body, error.message);
      }
    });
  }

  router.post("/dead-letters", async (ctx) => {
    await setAside(deadLetterTopic, await readAnyJson(ctx), "undeliverable");
    ctx.body = { status: "SUCCESS" };
  });
}
