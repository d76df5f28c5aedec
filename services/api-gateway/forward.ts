import type Koa from "koa";
import { Pool } from "undici";
import { context } from "../../kit/context.js";
import { Problem, Unavailable } from "../../kit/problem.js";

const bodyLimit = 256 * 1024;
/** The only headers a client may say something to the inside with; identity and dapr-* headers are not among them. */
const passed = [
  "accept",
  "accept-language",
  "authorization",
  "content-type",
  "idempotency-key",
  "if-match",
  "last-event-id",
];
const returned = ["content-type", "cache-control", "etag", "location", "retry-after", "www-authenticate"];

async function readBody(ctx: Koa.Context): Promise<Buffer | null> {
  if (ctx.method === "GET" || ctx.method === "HEAD") return null;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of ctx.req) {
    size += chunk.length;
    if (size > bodyLimit) throw new Problem(413, `a body may have ${bodyLimit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Passes a request on through the sidecar; the body is sent whole, because daprd does not retry a chunked one. */
export function forwarder(daprPort: number) {
  const pool = new Pool(`http://127.0.0.1:${daprPort}`, { connections: 200, keepAliveTimeout: 30_000 });

  return async (ctx: Koa.Context, app: string): Promise<void> => {
    const here = context();
    const headers: Record<string, string> = {
      "x-request-id": here?.request_id ?? "",
      traceparent: here?.traceparent ?? "",
    };
    for (const name of passed) {
      const value = ctx.get(name);
      if (value) headers[name] = value;
    }
    const path = `/v1.0/invoke/${app}/method${ctx.path}${ctx.search}`;
    const body = await readBody(ctx);
    const answer = await pool
      .request({ method: ctx.method as "GET", path, headers, body, headersTimeout: 20_000 })
      .catch((error) => {
        throw new Unavailable(`the ${app} service`, error);
      });
    const text = await answer.body.text();
    // A 5xx that is no problem of the service comes from a sidecar: the service is away.
    const problem = String(answer.headers["content-type"]).startsWith("application/problem+json");
    if (answer.statusCode >= 500 && !problem) throw new Unavailable(`the ${app} service`, new Error(text));
    ctx.status = answer.statusCode;
    for (const name of returned) {
      const value = answer.headers[name];
      if (value) ctx.set(name, value);
    }
    ctx.body = text;
  };
}
