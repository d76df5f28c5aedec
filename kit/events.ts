import type Router from "@koa/router";
import { z } from "zod";
import { type EventOf, events, type Topic } from "../contracts/events.js";
import { about } from "./context.js";
import { readJson } from "./http.js";
import type { Logger } from "./log.js";
import { Unhandleable } from "./problem.js";
import type { Store } from "./state.js";

export type Envelope = { id: string; source: string; time: string };
export type Handlers = { [T in Topic]?: (data: EventOf<T>, event: Envelope) => Promise<unknown> };

const CloudEvent = z.object({
  id: z.string().min(1).max(200),
  source: z.string(),
  time: z.iso.datetime({ offset: true }).catch(() => new Date().toISOString()),
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

  async function setAside(topic: string, body: unknown, reason: string): Promise<void> {
    const id = (body as { id?: unknown } | null)?.id;
    log.error({ topic, event_id: id, reason }, "dead letter");
    const row = { topic, body, reason, at: new Date().toISOString() };
    await store.insert(`dead-letter:${topic}:${String(id)}`, row);
  }

  for (const topic of topics) {
    const handle = handlers[topic] as (data: unknown, event: Envelope) => Promise<unknown>;
    router.post(`/events/${topic}`, async (ctx) => {
      const body = await readJson(ctx);
      const event = CloudEvent.safeParse(body);
      const data = events[topic].safeParse(event.data?.data);
      ctx.body = { status: "SUCCESS" };
      if (!event.success || !data.success) {
        await setAside(topic, body, z.prettifyError((event.error ?? data.error) as z.ZodError));
        return;
      }
      about(data.data.order_id);
      try {
        await handle(data.data, event.data);
      } catch (error) {
        if (!(error instanceof Unhandleable)) throw error;
        await setAside(topic, body, error.message);
      }
    });
  }

  router.post("/dead-letters", async (ctx) => {
    const body = (await readJson(ctx)) as { topic?: string } | null;
    await setAside(String(body?.topic ?? deadLetterTopic), body, "undeliverable");
    ctx.body = { status: "SUCCESS" };
  });
}
