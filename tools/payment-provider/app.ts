import type { IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import Router from "@koa/router";
import Koa, { type Context } from "koa";
import type { Logger } from "pino";
import type { z } from "zod";
import {
  type Book,
  type Charge,
  ChargeRequest,
  decideCharge,
  decideRefund,
  type Entry,
  enter,
  type Refund,
  RefundRequest,
  statementOf,
  statementsOf,
  takenSince,
  totalsOf,
} from "./book.js";
import type { Journal } from "./journal.js";

const FLAKY_MISSES = 2;

export type Deps = { book: Book; journal: Journal<Entry>; timeoutMs: number; log: Logger };

export function providerApp({ book, journal, timeoutMs, log }: Deps): Koa {
  const router = new Router();
  const underway = new Map<string, Promise<void>>();
  const misses = new Map<string, number>();

  // In the book at once, so that a repeat meets it; told to nobody before it is on the disk.
  function record(id: string, entry: Entry, heldBackMs = 0) {
    enter(book, entry);
    const told = journal.append(entry).then(() => (heldBackMs > 0 ? sleep(heldBackMs) : undefined));
    underway.set(
      id,
      told.then(() => void underway.delete(id)),
    );
  }

  function missesAgain(key: string): boolean {
    const count = (misses.get(key) ?? 0) + 1;
    misses.set(key, count);
    return count <= FLAKY_MISSES;
  }

  function charge(key: string, request: ChargeRequest): Charge {
    const known = book.charges.get(key);
    if (known)
      return sameRequest(ChargeRequest, known, request) ? known : refuse(409, "This key paid for another charge.");
    if (request.payment_method === "card_flaky" && missesAgain(key)) refuse(503, "Try again.");

    const decided = decideCharge(key, request, new Date().toISOString());
    const late = request.payment_method === "card_timeout_then_ok";
    record(decided.charge_id, { type: "charge", ...decided }, late ? timeoutMs : 0);
    return decided;
  }

  function refund(key: string, request: RefundRequest): Refund {
    const known = book.refunds.get(key);
    if (known && !sameRequest(RefundRequest, known, request)) refuse(409, "This key was used for another refund.");
    // A failed refund is not final: once the failure was told, the same key may try again.
    if (known && (known.status === "succeeded" || underway.has(known.refund_id))) return known;

    const charged = book.chargeById.get(request.charge_id) ?? refuse(404, "No such charge.");
    const decided = decideRefund(book, charged, key, request, new Date().toISOString());
    if (decided.kind === "refused") refuse(422, decided.reason);
    record(decided.refund.refund_id, { type: "refund", ...decided.refund });
    return decided.refund;
  }

  router.post("/charges", async (ctx) => {
    const charged = charge(keyOf(ctx), await bodyOf(ctx.req, ChargeRequest));
    await underway.get(charged.charge_id);
    ctx.body = chargeAnswer(charged);
  });

  router.get("/charges", async (ctx) => {
    const { since = "", from = "0" } = ctx.query as Record<string, string>;
    await journal.settled();
    ctx.body = takenSince(book, since, Number(from));
  });

  // Any path below, so that a key sent with its slash unescaped is not taken for one never charged.
  router.get(/^\/charges\/.+$/, (ctx) => {
    const key = decoded(ctx.path.slice("/charges/".length));
    const charged = book.charges.get(key) ?? refuse(404, "This key was never charged and nothing is under way.");
    const pending = underway.has(charged.charge_id);
    ctx.status = pending ? 202 : 200;
    ctx.body = pending ? { status: "pending" } : chargeAnswer(charged);
  });

  router.post("/refunds", async (ctx) => {
    const { refund_id, status, code } = refund(keyOf(ctx), await bodyOf(ctx.req, RefundRequest));
    await underway.get(refund_id);
    ctx.body = { refund_id, status, code };
  });

  router.get("/ledger", async (ctx) => {
    const { reference } = ctx.query;
    await journal.settled();
    ctx.body = typeof reference === "string" ? statementOf(book, reference) : totalsOf(book);
  });

  router.get("/statements", async (ctx) => {
    await journal.settled();
    ctx.body = statementsOf(book);
  });

  router.get("/healthz", (ctx) => {
    ctx.body = { status: "ok" };
  });

  const app = new Koa();
  app.use(async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const refused = error instanceof Refusal;
      if (!refused) log.error({ err: error, path: ctx.path }, "request failed");
      ctx.status = refused ? error.status : 500;
      ctx.body = { status: ctx.status, error: refused ? error.message : "Internal error" };
    }
    log.debug({ method: ctx.method, path: ctx.path, status: ctx.status }, "answered");
  });
  app.use(router.routes());
  app.use(() => refuse(404, "No such path."));
  return app;
}

class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

function refuse(status: number, message: string): never {
  throw new Refusal(status, message);
}

function keyOf(ctx: Context): string {
  const key = ctx.get("idempotency-key");
  return /^[\x20-\x7e]{1,255}$/.test(key) ? key : refuse(400, "Idempotency-Key must be 1-255 printable ASCII.");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return refuse(400, "The key is not percent-encoded.");
  }
}

async function bodyOf<S extends z.ZodType>(request: IncomingMessage, schema: S): Promise<z.output<S>> {
  const parsed = schema.safeParse(await json(request).catch(() => refuse(400, "The body is not JSON.")));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return refuse(422, `${issue?.path.join(".") || "body"}: ${issue?.message}`);
}

const sameRequest = <S extends z.ZodObject>(schema: S, known: z.output<S>, request: z.output<S>) =>
  isDeepStrictEqual(schema.strip().parse(known), request);

const chargeAnswer = ({ charge_id, status, code, amount, currency }: Charge) => ({
  charge_id,
  status,
  code,
  amount,
  currency,
});
