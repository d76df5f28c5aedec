import { Pool } from "undici";
import { context } from "./context.js";
import { fault } from "./faults.js";
import { Unavailable } from "./problem.js";
import { unrecorded } from "./trace.js";

export type Answer = { status: number; text: string; etag?: string | undefined };
export type Dapr = ReturnType<typeof connect>;
/** The part of the environment that says where an app's sidecar is, and what opens it. */
export type Sidecar = { DAPR_HTTP_PORT: number; DAPR_API_TOKEN?: string | undefined };
export type GrpcSidecar = { DAPR_GRPC_PORT: number; DAPR_API_TOKEN?: string | undefined };

export const sidecarUrl = ({ DAPR_HTTP_PORT }: Sidecar): string => `http://127.0.0.1:${DAPR_HTTP_PORT}`;
/** What a sidecar wants to see on every call. */
export const opening = ({ DAPR_API_TOKEN }: Sidecar): Record<string, string> =>
  DAPR_API_TOKEN ? { "dapr-api-token": DAPR_API_TOKEN } : {};

/** The one way from an app to its sidecar: kept-alive connections, trace context on every call. */
export function connect(sidecar: Sidecar, timeoutMs = 30_000) {
  const pool = new Pool(sidecarUrl(sidecar), {
    connections: 100,
    pipelining: 1,
    keepAliveTimeout: 30_000,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });

  /** Any answer is returned; no answer at all is Unavailable. */
  async function call(
    method: "GET" | "POST" | "PUT" | "DELETE",
    path: string,
    body?: unknown,
    type?: string,
    extra: Record<string, string> = {},
  ) {
    const headers = { ...extra, ...opening(sidecar) };
    if (body !== undefined) headers["content-type"] = type ?? "application/json";
    headers.traceparent = context()?.traceparent ?? unrecorded;
    try {
      if (await fault("before-call", path, body)) return { status: 204, text: "" } satisfies Answer;
      const answer = await pool.request({
        method,
        path,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
      });
      const text = await answer.body.text();
      await fault("after-call", path, body);
      return { status: answer.statusCode, text, etag: answer.headers.etag as string | undefined } satisfies Answer;
    } catch (error) {
      throw new Unavailable("the sidecar", error);
    }
  }

  /** The same, when only a 2xx will do. */
  async function must(part: string, ...request: Parameters<typeof call>): Promise<Answer> {
    const answer = await call(...request);
    if (answer.status >= 300) throw new Unavailable(part, new Error(`${answer.status} ${answer.text.slice(0, 500)}`));
    return answer;
  }

  return {
    call,
    must,
    /** Fixed-path question to another service; a business "no" is part of the answer. A 4xx is a fault of ours. */
    async ask(app: string, path: string, body: unknown): Promise<unknown> {
      const { status, text } = await call("POST", `/v1.0/invoke/${app}/method${path}`, body);
      if (status >= 400 && status < 500) throw new Error(`${app} does not understand ${path}: ${text.slice(0, 500)}`);
      if (status >= 300) throw new Unavailable(app, new Error(`${status} ${text.slice(0, 500)}`));
      try {
        return JSON.parse(text);
      } catch (error) {
        // It died while it spoke: its sidecar passes on the first part as if it were all.
        throw new Unavailable(app, error);
      }
    },
    /** Every component of this app's sidecar answers. */
    async ready(): Promise<boolean> {
      const answer = await call("GET", "/v1.0/healthz/outbound").catch(() => undefined);
      return answer?.status === 204;
    },
    async waitUntilReady(): Promise<void> {
      while (!(await this.ready())) await new Promise((resume) => setTimeout(resume, 200));
    },
    close: () => pool.close(),
  };
}
