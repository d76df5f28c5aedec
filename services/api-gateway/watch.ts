import type { Readable } from "node:stream";
import type Koa from "koa";
import { api } from "../../contracts/api.js";
import { TimelinesAnswer } from "../../contracts/order.js";
import type { Claims } from "../../contracts/user.js";
import type { Dapr } from "../../kit/dapr.js";
import { Problem } from "../../kit/problem.js";
import type { Ask, Identity } from "./forward.js";
import { identityOf } from "./forward.js";
import { question, refusal } from "./question.js";
import type { Entries, Streams } from "./stream.js";

/** Of how many orders one question asks: its answer has to fit in what a sidecar passes on. */
const batch = 500;

/** The histories as the order service has them. */
export const timelines =
  (dapr: Dapr): Entries =>
  async (after) => {
    const batches = Array.from({ length: Math.ceil(after.length / batch) }, (_, n) =>
      after.slice(n * batch, (n + 1) * batch),
    );
    const answers = await Promise.all(batches.map((some) => dapr.ask("order", "/rpc/timelines", { after: some })));
    const found = answers.flatMap((answer) => TimelinesAnswer.parse(answer).timelines);
    return new Map(found.map(({ order_id, entries }) => [order_id, entries]));
  };

/** An order's timeline as it grows, for who may see the order: the order service is asked that first, and refuses. */
export type Watch = (who: Claims, identity: Identity, orderId: string, after: number) => Promise<Readable>;

export const watcher =
  (ask: Ask, streams: Streams): Watch =>
  async (who, identity, orderId, after) => {
    await mayBeSeen(ask, identity, orderId);
    return streams.open(who.sub, orderId, after);
  };

async function mayBeSeen(ask: Ask, identity: Identity, orderId: string): Promise<void> {
  const { method, service } = api.order;
  const answer = await ask(service, {
    method,
    path: question(api.order, { orderId }).path,
    headers: identity,
    body: null,
  });
  if (answer.statusCode >= 300) throw refusal(service, answer);
}

/** GET /orders/{id}/events. */
export function orderEvents(ask: Ask, watch: Watch) {
  return async (ctx: Koa.Context, who: Claims): Promise<void> => {
    const { id } = ctx.params as { id: string };
    const last = ctx.get("last-event-id");
    if (!/^\d{0,15}$/.test(last)) throw new Problem(400, "Last-Event-ID is none of ours");
    const head = { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" };
    if (ctx.method === "HEAD") await mayBeSeen(ask, identityOf(ctx), id);
    else ctx.body = await watch(who, identityOf(ctx), id, Number(last));
    ctx.set(head);
    ctx.status = 200;
  };
}
