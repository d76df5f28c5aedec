import type Koa from "koa";
import { Pool } from "undici";
import { context } from "../../kit/context.js";
import { readBody } from "../../kit/http.js";
import { Problem, Unavailable } from "../../kit/problem.js";

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

/** Asks a service through the sidecar; the body is sent whole, because daprd does not retry a chunked one. */
export function asker(daprPort: number): Ask {
  const pool = new Pool(`http://127.0.0.1:${daprPort}`, { connections: 200, keepAliveTimeout: 30_000 });

  return async (app, question) => {
    mustFit(question);
    const { method, path, headers, body } = question;
    const request = {
      method: method as "GET",
      path: `/v1.0/invoke/${app}/method${path}`,
      // Whatever the client accepts: of what accepts text/event-stream alone daprd loses the refusals.
      headers: { ...headers, accept: "*/*" },
      body,
      headersTimeout: 20_000,
    };
    // Only a read may be asked again blindly while a replica comes or goes; for the rest see resiliency.yaml.
    const tries = method === "GET" || method === "HEAD" ? 5 : 1;
    for (let n = 1; ; n++) {
      try {
        const { statusCode, headers, body } = await pool.request(request);
        const text = await body.text();
        // A 5xx that is no problem of the service comes from a sidecar: the service is away.
        const problem = String(headers["content-type"]).startsWith("application/problem+json");
        if (statusCode < 500 || problem) return { statusCode, headers, text };
        throw new Error(text);
      } catch (error) {
        if (n === tries) throw new Unavailable(`the ${app} service`, error);
        await new Promise((resume) => setTimeout(resume, 50 * 2 ** n));
      }
    }
  };
}

function mustFit({ path, headers }: Question): void {
  if (path.length > most.url) throw new Problem(414, `a URL may have ${most.url} characters`);
  const all = Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + value.length, path.length);
  if (all > most.all) throw new Problem(431, `URL and headers together may have ${most.all} characters`);
}

/** Whose request this is and in which trace, in headers for the inside. */
export function identity(): Identity {
  const here = context();
  return { "x-request-id": here?.request_id ?? "", traceparent: here?.traceparent ?? "" };
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

/** Passes a request on as it came. */
export function forwarder(ask: Ask) {
  return async (ctx: Koa.Context, app: string): Promise<void> => {
    const headers = identity();
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
    const reads = ctx.method === "GET" || ctx.method === "HEAD";
    const body = reads ? null : await readBody(ctx);
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
