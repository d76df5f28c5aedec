import type Koa from "koa";
import { Pool } from "undici";
import { context } from "../../kit/context.js";
import { opening, type Sidecar, sidecarUrl } from "../../kit/dapr.js";
import { readBody } from "../../kit/http.js";
import { Problem, Unavailable } from "../../kit/problem.js";
import { unrecorded } from "../../kit/trace.js";

/** The only headers a client may say something to the inside with; identity and dapr-* headers are not among them. */
const passed = ["accept-language", "authorization", "content-type", "idempotency-key", "if-match", "last-event-id"];
const returned = ["content-type", "cache-control", "etag", "location", "retry-after", "www-authenticate"];

/** What daprd takes: it refuses more than 8 kB of URL and headers, and not as a problem. */
const most = { url: 4_096, all: 6_500 };

export type Identity = Record<string, string>;
type Question = {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer | string | null;
};
export type Answer = {
  statusCode: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
};
export type Ask = (app: string, question: Question) => Promise<Answer>;

/** What a client waits for at most, in milliseconds, all tries together; a stream for its beginning. */
const patience = 15_000;

/** Asks a service through the sidecar; the body is sent whole, because daprd does not retry a chunked one. */
export function asker(sidecar: Sidecar): Ask {
  const pool = new Pool(sidecarUrl(sidecar), { connections: 200, keepAliveTimeout: 30_000, bodyTimeout: patience });

  return async (app, question) => {
    mustFit(question);
    const { method, path, headers, body } = question;
    const until = Date.now() + patience;
    const request = () => ({
      method: method as "GET",
      path: `/v1.0/invoke/${app}/method${path}`,
      // Whatever the client accepts: of what accepts text/event-stream alone daprd loses the refusals.
      headers: { ...headers, ...opening(sidecar), accept: "*/*" },
      body,
      headersTimeout: Math.max(until - Date.now(), 1),
    });
    // The sidecar asks a service again itself (resiliency-gateway.yaml). For the sidecar only a read may wait blindly.
    const tries = isRead(method) ? 5 : 1;
    for (let n = 1; ; n++) {
      try {
        const { statusCode, headers, body } = await pool.request(request());
        const text = await body.text();
        if (isWhole(method, statusCode, String(headers["content-type"]), text)) return { statusCode, headers, text };
        throw new Unavailable(`the ${app} service`, new Error(`${statusCode} ${text.slice(0, 500)}`));
      } catch (error) {
        if (error instanceof Unavailable) throw error;
        const wait = 50 * 2 ** n;
        if (n === tries || Date.now() + wait > until) throw new Unavailable(`the ${app} service`, error);
        await new Promise((resume) => setTimeout(resume, wait));
      }
    }
  };
}

const isRead = (method: string) => method === "GET" || method === "HEAD";

/**
 * Whether this is what a service said. A 5xx that is no problem of the service comes from a sidecar; and of a service
 * that dies while it speaks the sidecar passes on the first part as if it were all.
 */
function isWhole(method: string, status: number, type: string, text: string): boolean {
  if (status >= 500 && !type.startsWith("application/problem+json")) return false;
  return method === "HEAD" || !/^application\/(problem\+)?json/.test(type) || isJson(text);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function mustFit({ path, headers }: Question): void {
  if (path.length > most.url) throw new Problem(414, `a URL may have ${most.url} characters`);
  const all = Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + value.length, path.length);
  if (all > most.all) throw new Problem(431, `URL and headers together may have ${most.all} characters`);
}

/** Whose request this is and in which trace, in headers for the inside. */
export function identity(): Identity {
  const here = context();
  return { "x-request-id": here?.request_id ?? "", traceparent: here?.traceparent ?? unrecorded };
}

/** The same with the caller's bearer; without a token it says so, and does not leave it out: see loaders.ts. */
export function identityOf(ctx: Koa.Context): Identity {
  const authorization = ctx.get("authorization") || "none";
  mustBeAscii("authorization", authorization);
  return { ...identity(), authorization };
}

export function mustBeAscii(header: string, value: string): void {
  if (!/^[\t\x20-\x7e]*$/.test(value)) throw new Problem(400, `the header ${header} may hold ASCII only`);
}

/** Passes a request on as it came, with what the route adds to its headers. */
export function forwarder(ask: Ask) {
  return async (ctx: Koa.Context, app: string, added: Identity = {}): Promise<void> => {
    const headers = { ...identity(), ...added };
    for (const name of passed) {
      const value = ctx.headers[name]?.toString();
      // An empty one goes on as well: the service that wants it says what is wrong with it.
      if (value === undefined) continue;
      mustBeAscii(name, value);
      headers[name] = value;
    }
    // No public path needs an escape; an escaped slash or dot could reach a path that is not public.
    if (!/^[\w/~-][\w./~-]*$/.test(ctx.path) || /\/\.{1,2}(\/|$)/.test(ctx.path))
      throw new Problem(404, "there is no such path");
    const body = isRead(ctx.method) ? null : await readBody(ctx);
    const path = `${ctx.path}${ctx.search}`;
    const answer = await ask(app, { method: ctx.method, path, headers, body });
    ctx.status = answer.statusCode;
    for (const name of returned) {
      const value = answer.headers[name];
      if (value) ctx.set(name, value);
    }
    ctx.body = answer.text;
  };
}
