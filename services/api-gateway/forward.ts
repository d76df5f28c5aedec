import type Koa from "koa";
import { Pool } from "undici";
import { context } from "../../kit/context.js";
import { readBody } from "../../kit/http.js";
import { Problem, Unavailable } from "../../kit/problem.js";

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

/** Passes a request on through the sidecar; the body is sent whole, because daprd does not retry a chunked one. */
export function forwarder(daprPort: number) {
  const sidecar = `http://127.0.0.1:${daprPort}`;
  const pool = new Pool(sidecar, { connections: 200, keepAliveTimeout: 30_000 });
  // A stream keeps its connection for minutes; nothing else may wait for one.
  const streamPool = new Pool(sidecar, { connections: null, bodyTimeout: 0 });

  async function ask(request: Parameters<typeof pool.request>[0], app: string, tries: number, streamed: boolean) {
    for (let n = 1; ; n++) {
      try {
        const { statusCode, headers, body } = await (streamed ? streamPool : pool).request(request);
        if (streamed && statusCode === 200) return { statusCode, headers, content: body };
        const text = await body.text();
        // A 5xx that is no problem of the service comes from a sidecar: the service is away.
        const problem = String(headers["content-type"]).startsWith("application/problem+json");
        if (statusCode < 500 || problem) return { statusCode, headers, content: text };
        throw new Error(text);
      } catch (error) {
        if (n === tries) throw new Unavailable(`the ${app} service`, error);
        await new Promise((resume) => setTimeout(resume, 50 * 2 ** n));
      }
    }
  }

  return async (ctx: Koa.Context, app: string, streamed = false): Promise<void> => {
    const here = context();
    const headers: Record<string, string> = {
      "x-request-id": here?.request_id ?? "",
      traceparent: here?.traceparent ?? "",
    };
    for (const name of passed) {
      const value = ctx.get(name);
      if (!/^[\t\x20-\x7e]*$/.test(value)) throw new Problem(400, `the header ${name} may hold ASCII only`);
      if (value) headers[name] = value;
    }
    // No public path needs an escape; an escaped slash or dot could reach a path that is not public.
    if (!/^[\w/~-][\w./~-]*$/.test(ctx.path) || ctx.path.includes(".."))
      throw new Problem(404, "there is no such path");
    const path = `/v1.0/invoke/${app}/method${ctx.path}${ctx.search}`;
    const reads = ctx.method === "GET" || ctx.method === "HEAD";
    const body = reads ? null : await readBody(ctx);
    const request = { method: ctx.method as "GET", path, headers, body, headersTimeout: 20_000 };
    // Only a read may be asked again blindly while a replica comes or goes; for the rest see resiliency.yaml.
    const answer = await ask(request, app, reads ? 5 : 1, streamed);
    ctx.status = answer.statusCode;
    for (const name of returned) {
      const value = answer.headers[name];
      if (value) ctx.set(name, value);
    }
    ctx.body = answer.content;
  };
}
