import { timingSafeEqual } from "node:crypto";
import Router from "@koa/router";
import Koa, { HttpError } from "koa";
import type { z } from "zod";
import { type Context, isTraceparent, within } from "./context.js";
import { fault } from "./faults.js";
import type { Logger } from "./log.js";
import { measureRequest } from "./metrics.js";
import { Problem, Unavailable } from "./problem.js";
import { begin, type Kind, type Span } from "./trace.js";

const bodyLimit = 256 * 1024;
const drainLimit = 4 * 1024 * 1024;
const titles: Record<number, string> = {
  400: "Bad request",
  401: "Not signed in",
  403: "Not allowed",
  404: "Not found",
  405: "Method not allowed",
  408: "Too slow",
  409: "Conflict",
  412: "Changed meanwhile",
  413: "Too large",
  414: "Too long",
  415: "Unsupported media type",
  417: "Expectation failed",
  422: "Not acceptable as it is",
  429: "Too many requests",
  431: "Headers too large",
  500: "Internal error",
  503: "Temporarily unavailable",
};

/** The text of a problem document. */
export const problemOf = (status: number, detail: string, extra: Record<string, unknown> = {}): string =>
  JSON.stringify({ type: "about:blank", title: titles[status] ?? "Error", status, detail, ...extra });

function answerProblem(ctx: Koa.Context, status: number, detail: string, extra: Record<string, unknown> = {}): void {
  ctx.status = status;
  ctx.set("content-type", "application/problem+json");
  ctx.body = problemOf(status, detail, extra);
}

/** What is wrong with a request quotes it, and no log repeats what clients send. */
const wordy = [400, 422];

/** Every failure is answered here and nowhere else; only a Problem tells the client what it did wrong. Gives that for the log. */
function answerFailure(ctx: Koa.Context, error: unknown, log: Logger): string | undefined {
  if (error instanceof Problem) {
    if (error.retryAfter) ctx.set("retry-after", String(error.retryAfter));
    answerProblem(ctx, error.status, error.detail, error.extra);
    return wordy.includes(error.status) ? undefined : error.detail;
  }
  if (error instanceof HttpError && error.status < 500) {
    answerProblem(ctx, error.status, error.message);
    return error.message;
  }
  if (error instanceof Unavailable) {
    log.warn({ err: error, cause: String(error.cause) }, "a needed part is away");
    ctx.set("retry-after", "2");
    answerProblem(ctx, 503, `${error.message}; nothing is lost, try again`);
  } else {
    log.error({ err: error }, "request failed");
    answerProblem(ctx, 500, "something broke on our side");
  }
  return undefined;
}

/**
 * A body within the size limit: 413 above it, 415 when it is compressed: a few bytes could become very many. What is too
 * large is read to its end, within reason, and thrown away.
 */
export async function readBody(ctx: Koa.Context): Promise<Buffer> {
  if (!/^(identity)?$/i.test(ctx.get("content-encoding"))) throw new Problem(415, "send the body uncompressed");
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    const tooLarge = () => reject(new Problem(413, `a body may have ${bodyLimit} bytes`));
    ctx.req.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= bodyLimit) chunks.push(chunk);
      if (size <= drainLimit) return;
      ctx.set("connection", "close");
      tooLarge();
    });
    ctx.req.once("end", () => (size > bodyLimit ? tooLarge() : resolve(Buffer.concat(chunks))));
    ctx.req.once("close", () => {
      if (!ctx.req.readableEnded) reject(new Problem(400, "the body ended early"));
    });
  });
}

function asJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw new Problem(400, "the body is not JSON");
  }
}

/** 400 when the body is not JSON, 413 when it is too large. */
export const readAnyJson = async (ctx: Koa.Context): Promise<unknown> => asJson(await readBody(ctx));

const unstorable = "text may hold neither NUL nor half a surrogate pair, and no field is called __proto__";

/**
 * PostgreSQL takes neither NUL nor half a surrogate pair, and JSON can spell both; a field of that name would be lost on
 * the way. Not recursive: JSON may be deeper than the stack.
 */
export function isStorable(value: unknown): boolean {
  const open = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next === "string" && (next.includes("\0") || !next.isWellFormed())) return false;
    if (typeof next === "object" && next !== null)
      for (const [key, inner] of Object.entries(next)) {
        if (key === "__proto__") return false;
        open.push(key, inner);
      }
  }
  return true;
}

/** 422 naming every field that is wrong. */
export function parse<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map(({ path, message }) => ({ field: path.join("."), message }));
  throw new Problem(422, errors.map((e) => `${e.field || "body"}: ${e.message}`).join("; "), { errors });
}

/** A client's JSON body as the schema says, {} when it sends none; 415, 413, 400 or 422 otherwise. */
export async function body<S extends z.ZodType>(ctx: Koa.Context, schema: S): Promise<z.output<S>> {
  const sent = await readBody(ctx);
  if (sent.length === 0) return parse(schema, {});
  if (!ctx.is("application/json", "+json")) throw new Problem(415, "send application/json");
  const value = asJson(sent);
  if (!isStorable(value)) throw new Problem(422, unstorable);
  const asked = parse(schema, value);
  await fault("asked", ctx.path, asked);
  return asked;
}

/** A list's query: 400 when it is wrong. */
export function query<S extends z.ZodType>(ctx: Koa.Context, schema: S): z.output<S> {
  if (!isStorable(ctx.query)) throw new Problem(400, unstorable);
  const parsed = schema.safeParse(ctx.query);
  if (parsed.success) return parsed.data;
  throw new Problem(400, parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; "));
}

export type App = {
  koa: Koa;
  router: Router;
  log: Logger;
  onlyWith: (token: string | undefined) => void;
  refuse: () => void;
};

/** What daprd, the supervisor and Kubernetes ask without a token. */
export const probes = ["/healthz", "/health", "/readyz"];
function isSame(given: Buffer, wanted: Buffer): boolean {
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

const unseen: Span = { traceparent: "", end: () => undefined };
const events = "/events/";
const kindOf = ({ path }: Koa.Context): Kind => (path.startsWith(events) ? "CONSUMER" : "SERVER");

function traceOf(ctx: Koa.Context): string | undefined {
  const from = ctx.get("traceparent");
  return isTraceparent(from) ? from : undefined;
}

/** The route as it was registered, never the path: there are few of them. Undefined where there is none. */
const routeOf = (ctx: Koa.Context & { _matchedRoute?: string | RegExp }): string | undefined =>
  ctx._matchedRoute && String(ctx._matchedRoute);

function outcomeOf(
  ctx: Koa.Context,
  route: string | undefined,
  { order_id, actor, request_id }: Context,
): Parameters<Span["end"]>[0] {
  const about = { "order.id": order_id, "enduser.id": actor, "request.id": request_id };
  const error = ctx.status >= 500 ? `answered ${ctx.status}` : undefined;
  if (route?.startsWith(events)) {
    const topic = route.slice(events.length);
    return { name: `process ${topic}`, attributes: { "messaging.destination.name": topic, ...about }, error };
  }
  const http = { "http.request.method": ctx.method, "http.route": route, "http.response.status_code": ctx.status };
  return { name: `${ctx.method} ${route ?? ""}`.trim(), attributes: { ...http, ...about }, error };
}

/** A Koa app with what every service shares: ids on every log line, one line per request, problems, health. */
export function app(log: Logger, ready: () => Promise<boolean>): App {
  const koa = new Koa();
  const router = new Router();
  let refusing = false;
  let wanted: Buffer | undefined;

  // All else is answered below: this is a client that left before its answer ended.
  koa.on("error", (error) => log.debug({ err: error }, "an answer was not read to its end"));

  koa.use(async (ctx, next) => {
    const given = ctx.get("x-request-id");
    const request_id = /^[\x21-\x7e]{1,100}$/.test(given) ? given : crypto.randomUUID();
    const isProbe = probes.includes(ctx.path);
    const span = isProbe ? unseen : begin(ctx.method, kindOf(ctx), traceOf(ctx));
    const here: Context = { request_id, traceparent: span.traceparent };
    await within(here, async () => {
      const started = performance.now();
      let reason: string | undefined;
      ctx.set("x-request-id", request_id);
      try {
        if (refusing) {
          ctx.set("connection", "close");
          throw new Unavailable("this replica, which is stopping,");
        }
        if (ctx.req.httpVersion === "1.1" && !ctx.headers.host) throw new Problem(400, "send a Host header");
        if (wanted && !isProbe && !isSame(Buffer.from(ctx.get("dapr-api-token")), wanted))
          throw new Problem(401, "this port answers its sidecar only");
        await next();
        await fault("answered", ctx.path, here.order_id);
        if (ctx.status === 404 && ctx.body === undefined) throw new Problem(404, `there is no ${ctx.path}`);
        if (ctx.status === 405 || ctx.status === 501) throw new Problem(405, `${ctx.path} does not take ${ctx.method}`);
      } catch (error) {
        reason = answerFailure(ctx, error, log);
      }
      if (isProbe) return;
      const route = routeOf(ctx);
      span.end(outcomeOf(ctx, route, here));
      measureRequest({ method: ctx.method, status: ctx.status, route }, started);
      const ms = Math.round((performance.now() - started) * 10) / 10;
      log.info({ method: ctx.method, path: ctx.path, status: ctx.status, ms, reason }, "request");
    });
  });

  const alive = (ctx: Koa.Context) => {
    ctx.body = { status: "ok" };
  };
  router.get("/healthz", alive).get("/health", alive);
  router.get("/readyz", async (ctx) => {
    const is = await ready();
    ctx.status = is ? 200 : 503;
    ctx.body = { status: is ? "ready" : "waiting for the sidecar or a component" };
  });
  return {
    koa,
    router,
    log,
    /** From now on whoever does not bring this token is refused, where there is one. */
    onlyWith(token) {
      wanted = token ? Buffer.from(token) : undefined;
    },
    /** From now on every request is refused. */
    refuse() {
      refusing = true;
    },
  };
}
