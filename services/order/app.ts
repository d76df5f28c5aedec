import type Koa from "koa";
import type { z } from "zod";
import { Id, PageQuery } from "../../contracts/common.js";
import {
  CancelOrder,
  ChangeStatus,
  ListOrders,
  OrdersRequest,
  OwnerRequest,
  PatchOrder,
  PayOrder,
  PlaceOrder,
  TimelinesRequest,
} from "../../contracts/order.js";
import type { Claims } from "../../contracts/user.js";
import { type Authenticate, isStaff, mustBeAdmin, mustBeCustomer, mustBeStaff } from "../../kit/auth.js";
import { about, type Context, context, traceId, within } from "../../kit/context.js";
import { type App, body, query } from "../../kit/http.js";
import { fingerprint, idempotencyKey, otherBody } from "../../kit/idempotency.js";
import { Problem, Unavailable } from "../../kit/problem.js";
import { orderIdOf, recordedPaymentId } from "./ids.js";
import { type At, allowedFrom, type Command, type Order } from "./order.js";
import type { Memory, Orders } from "./orders.js";
import { place, type Terms } from "./place.js";
import type { ServiceClients } from "./service-clients.js";
import { view } from "./view.js";

export type Deps = {
  orders: Orders;
  authenticate: Authenticate;
  ask: ServiceClients;
  terms: () => Terms;
  holdAtPost: boolean;
};

export function routes({ router }: App, { orders, authenticate, ask, terms, holdAtPost }: Deps): void {
  const at = (who: Claims): At => ({ now: new Date().toISOString(), actor: who.sub, trace_id: traceId() });

  /** The order, if the caller may see it; another's order is as unknown as none. */
  async function seenBy(who: Claims, id: string): Promise<Order | undefined> {
    const order = await orders.get(id);
    const may = order && !order.deleted_at && (order.user_id === who.sub || isStaff(who));
    return may ? order : undefined;
  }

  async function visible(
    ctx: Koa.Context & { params: Record<string, string> },
  ): Promise<{ who: Claims; order: Order }> {
    const who = await authenticate(ctx);
    const id = Id.safeParse(ctx.params.id);
    const order = id.success ? await seenBy(who, id.data) : undefined;
    if (!order) throw new Problem(404, "there is no such order");
    about(order.id);
    return { who, order };
  }

  const etagOf = (order: Order) => `"${order.version}"`;

  function show(ctx: Koa.Context, order: Order): void {
    ctx.set("etag", etagOf(order));
    ctx.body = view(order);
  }

  /** Puts a command and answers with the order, or 409 naming what is possible instead. */
  async function put(ctx: Koa.Context, who: Claims, order: Order, command: Command): Promise<void> {
    const memory = memoryOf(ctx, who, command);
    const before = memory && (await orders.remembered(order.id, memory));
    if (before === "other body") throw otherBody();
    if (before === "same") return show(ctx, order);
    const outcome = await orders.apply(order.id, memory?.key ?? crypto.randomUUID(), command, at(who), memory);
    if (memory && outcome.kind === "unchanged" && (await orders.remember(order.id, memory)) === "other body")
      throw otherBody();
    if (outcome.kind === "unknown") throw new Problem(404, "there is no such order");
    if (outcome.kind === "stale")
      throw new Problem(412, `the order is of version ${outcome.order.version}`, {
        version_now: outcome.order.version,
      });
    if (outcome.kind === "refused")
      throw new Problem(409, outcome.reason, { status_now: outcome.order.status, allowed: outcome.allowed });
    show(ctx, outcome.order);
  }

  router.post("/orders", async (ctx) => {
    const who = await authenticate(ctx);
    mustBeCustomer(who);
    const key = idempotencyKey(ctx);
    if (!key) throw new Problem(400, "send an Idempotency-Key");
    const request = await body(ctx, PlaceOrder);
    // The same customer and key always make the same id: the order itself is the memory of the request.
    const id = orderIdOf(who.sub, key);
    const request_hash = fingerprint(request);
    about(id);

    const existing = await orders.get(id);
    if (existing) return again(ctx, existing, request_hash);

    const products = await ask.products([...new Set(request.items.map((line) => line.product_id))]);
    const { items, currency, payment_method, customer_notes, metadata } = request;
    const asked = { id, user_id: who.sub, request_hash, items, currency, payment_method, customer_notes, metadata };
    const placed = place(asked, products, who.country, terms(), at(who));
    if (placed.kind === "refused") throw new Problem(422, placed.reason);
    const { decision } = placed;

    const hold = holdAtPost ? await ask.hold(decision.order) : undefined;
    if (hold?.kind === "out_of_stock") {
      const { kind, ...what } = hold;
      throw new Problem(409, `only ${hold.available_qty} left`, what);
    }
    if (!(await orders.add(decision))) {
      const stored = await orders.get(id);
      if (!stored) throw new Unavailable("the state store");
      return again(ctx, stored, request_hash);
    }
    ctx.status = 201;
    ctx.set("location", `/orders/${id}`);
    show(ctx, decision.order);
  });

  function again(ctx: Koa.Context, order: Order, request_hash: string): void {
    if (order.request_hash !== request_hash) throw otherBody();
    if (order.deleted_at) throw new Problem(409, "the order of this Idempotency-Key has been deleted since");
    show(ctx, order);
  }

  const list = async (ctx: Koa.Context, who: Claims, filter: { user_id?: string }) => {
    const { status, ...from } = query(ctx, ListOrders);
    if (from.offset !== undefined) mustBeStaff(who);
    if (from.offset !== undefined && from.cursor !== undefined)
      throw new Problem(400, "a cursor or an offset, not both");
    const found = await orders.page({ ...filter, ...(status && { status }) }, from);
    ctx.body = { ...found, items: found.items.map(view) };
  };

  router.get("/orders", async (ctx) => {
    const who = await authenticate(ctx);
    await list(ctx, who, isStaff(who) ? {} : { user_id: who.sub });
  });

  router.get("/orders/customer/:id", async (ctx) => {
    const who = await authenticate(ctx);
    const id = Id.safeParse(ctx.params.id);
    if (id.data !== who.sub) mustBeStaff(who);
    if (!id.success) throw new Problem(404, "there is no such customer");
    await list(ctx, who, { user_id: id.data });
  });

  router.get(["/orders/:id", "/order/:id"], async (ctx) => show(ctx, (await visible(ctx)).order));

  router.get("/orders/:id/timeline", async (ctx) => {
    const { order } = await visible(ctx);
    ctx.body = await orders.timeline(order.id, query(ctx, PageQuery));
  });

  router.patch("/orders/:id", async (ctx) => {
    const { who, order } = await visible(ctx);
    const patch = await body(ctx, PatchOrder);
    await put(ctx, who, order, { type: "annotate", patch, versions: versionsWanted(ctx.get("if-match")) });
  });

  router.delete("/orders/:id", async (ctx) => {
    const who = await authenticate(ctx);
    mustBeAdmin(who);
    const { order } = await visible(ctx);
    await put(ctx, who, order, { type: "remove" });
    ctx.body = undefined;
    ctx.status = 204;
  });

  router.post("/rpc/owner", async (ctx) => {
    const { order_id } = await body(ctx, OwnerRequest);
    ctx.body = { user_id: (await orders.get(order_id))?.user_id ?? null };
  });

  router.post("/rpc/orders", async (ctx) => {
    const { asked } = await body(ctx, OrdersRequest);
    const read = async ({ id, authorization }: (typeof asked)[number]) => {
      const order = await seenBy(await authenticate({ get: () => authorization, set: () => undefined }), id);
      return order ? { etag: etagOf(order), text: JSON.stringify(view(order)) } : null;
    };
    // What is refused, or cannot be told now, is asked for once more by itself, and then answered as it is.
    const alone = (one: (typeof asked)[number]) => within({ ...(context() as Context) }, () => read(one));
    ctx.body = { orders: await Promise.all(asked.map((one) => alone(one).catch(() => null))) };
  });

  /** Who may see which order the gateway has asked before. */
  router.post("/rpc/timelines", async (ctx) => {
    const { after } = await body(ctx, TimelinesRequest);
    const found = await orders.entriesAfter(after);
    ctx.body = { timelines: [...found].map(([order_id, entries]) => ({ order_id, entries })) };
  });

  router.put("/orders/:id/status", async (ctx) => {
    const { who, order } = await visible(ctx);
    const asked = await body(ctx, ChangeStatus);
    if (asked.status !== "cancelled") mustBeStaff(who);
    if (asked.status === order.status) return show(ctx, order);
    await put(ctx, who, order, commandOf(order, asked, who));
  });

  router.post("/orders/:id/cancel", async (ctx) => {
    const { who, order } = await visible(ctx);
    const { reason } = await body(ctx, CancelOrder);
    await put(ctx, who, order, { type: "cancel", reason: reason ?? defaultReason(order, who) });
  });

  router.post("/orders/:id/payments", async (ctx) => {
    const { who, order } = await visible(ctx);
    const { payment_method } = await body(ctx, PayOrder);
    if (order.user_id !== who.sub) throw new Problem(403, "only the customer pays");
    await put(ctx, who, order, { type: "pay", method: payment_method });
    ctx.status = 202;
  });

  const defaultReason = (order: Order, who: Claims) => (order.user_id === who.sub ? "customer" : "staff");

  /** What a wished-for status asks of the order. 422 when it needs more than the status, 409 when nobody may set it. */
  function commandOf(order: Order, asked: z.infer<typeof ChangeStatus>, who: Claims): Command {
    const { tracking_number, carrier, payment_reference } = asked;
    switch (asked.status) {
      case "cancelled":
        return { type: "cancel", reason: asked.reason ?? defaultReason(order, who) };
      case "delivered":
        return { type: "deliver" };
      case "shipped":
        if (!tracking_number || !carrier) throw new Problem(422, "shipping needs tracking_number and carrier");
        return { type: "ship", tracking_number, carrier };
      case "paid":
        if (!payment_reference) throw new Problem(422, "recording a payment needs payment_reference");
        return {
          type: "record_payment",
          payment_id: recordedPaymentId(order.id, payment_reference),
          reference: payment_reference,
        };
      default:
        throw new Problem(409, `nobody sets ${asked.status} by hand`, {
          status_now: order.status,
          allowed: allowedFrom(order.status),
        });
    }
  }
}

/** If-Match: any of these entity tags, or undefined when any version will do. A weak tag never matches. */
function versionsWanted(header: string): number[] | undefined {
  if (header === "" || header.trim() === "*") return undefined;
  return header.split(",").map((tag) => Number(/^\s*"(\d{1,15})"\s*$/.exec(tag)?.[1] ?? -1));
}

/** What is remembered of a command that came with an Idempotency-Key. Not the path: it spells one order in many ways. */
function memoryOf(ctx: Koa.Context, who: Claims, command: Command): Memory | undefined {
  const key = idempotencyKey(ctx);
  const [, , , what] = ctx.path.split("/");
  return key === undefined
    ? undefined
    : { key: fingerprint([who.sub, ctx.method, what, key]), body: fingerprint(command) };
}
