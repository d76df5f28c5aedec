import { EventSourceParserStream } from "eventsource-parser/stream";
import type { z } from "zod";
import { type Api, api, type Route } from "../contracts/api.js";
import type { Problem } from "../contracts/common.js";
import { TimelineEntry } from "../contracts/order.js";

// The API as typed functions, made from the route table: `client.placeOrder({ headers, body })`.

type Sent = "params" | "query" | "headers" | "body";
type Part<R, K extends Sent> = R extends { [_ in K]: infer S extends z.ZodType }
  ? Record<never, never> extends z.input<S>
    ? { [_ in K]?: z.input<S> }
    : { [_ in K]: z.input<S> }
  : unknown;
type Input<R> = Part<R, "params"> & Part<R, "query"> & Part<R, "headers"> & Part<R, "body">;

type Success<R extends Route> = {
  [S in keyof R["answers"]]: {
    ok: true;
    status: S;
    body: R["answers"][S] extends { body: infer B extends z.ZodType } ? z.output<B> : undefined;
    headers: Headers;
  };
}[keyof R["answers"]];
export type Refused = { ok: false; status: number; body: Problem; headers: Headers };
export type Answer<R extends Route> = Success<R> | Refused;

type Call<R extends Route> =
  Record<never, never> extends Input<R>
    ? (input?: Input<R>) => Promise<Answer<R>>
    : (input: Input<R>) => Promise<Answer<R>>;
/** What is not asked and answered once: `watch` follows the stream, and a page is for browsers. */
type Streamed = "orderEvents" | "docs";
export type Client = { [K in Exclude<keyof Api, Streamed>]: Call<Api[K]> } & { watch: Watch };
/** From the entry after this `seq`, until the signal; so many milliseconds between a lost connection and the next. */
type WatchOptions = { after?: number | undefined; signal?: AbortSignal; pause?: number };
type Watch = (orderId: string, options?: WatchOptions) => AsyncGenerator<TimelineEntry>;

/** As much of `fetch` as is used. */
export type Fetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string; signal?: AbortSignal | null },
) => Promise<Pick<Response, "ok" | "status" | "headers" | "text" | "body">>;

export type Options = {
  /** Where the gateway is: "http://127.0.0.1:8080". */
  url: string;
  token?: string | undefined;
  fetch?: Fetch;
  /** Throws when an answer is not as the contract says. */
  validate?: boolean;
};

type Parts = { params?: object; query?: object; headers?: object; body?: unknown };

/** No call throws for what the server answers: `ok` tells success from a refusal. Without any answer `fetch` throws. */
export function createClient({ url, token, fetch: ask = fetch, validate = false }: Options): Client {
  const identity: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};

  async function call(route: Route, { params = {}, query = {}, headers = {}, body }: Parts = {}) {
    const response = await ask(url + fill(route.path, params) + search(query), {
      method: route.method,
      headers: { ...identity, ...(body !== undefined && { "content-type": "application/json" }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const { ok, status } = response;
    const answer = { ok, status, body: text === "" ? undefined : JSON.parse(text), headers: response.headers };
    const schema = route.answers[status]?.body;
    if (validate && ok && schema) schema.parse(answer.body);
    return answer;
  }

  /** Follows an order's timeline from its stored beginning; a connection that ends is made again where it ended. */
  async function* watch(orderId: string, { after = 0, signal, pause = 1_000 }: WatchOptions = {}) {
    for (let seq = after; !signal?.aborted; await wait(pause, signal)) {
      const response = await ask(url + fill(api.orderEvents.path, { id: orderId }), {
        method: "GET",
        headers: { ...identity, accept: "text/event-stream", "last-event-id": String(seq) },
        signal: signal ?? null,
      }).catch(() => undefined);
      if (response && response.status >= 400 && response.status < 500 && response.status !== 429)
        throw new ProblemError(response.status, JSON.parse(await response.text()));
      if (!response?.ok || !response.body) continue;
      const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
      try {
        for await (const { data } of events) {
          const entry = TimelineEntry.parse(JSON.parse(data));
          seq = entry.seq;
          yield entry;
        }
      } catch (error) {
        // What `fetch` throws when the connection is lost; anything else is no reason to try again.
        if (!(error instanceof TypeError) && !signal?.aborted) throw error;
      }
    }
  }

  const calls = Object.entries<Route>(api).map(([name, route]) => [name, (parts?: Parts) => call(route, parts)]);
  return { ...Object.fromEntries(calls), watch };
}

type AnyAnswer = { ok: boolean; status: PropertyKey; body: unknown };

/** What was asked for; a refusal is thrown. */
export async function must<A extends AnyAnswer>(asked: Promise<A>): Promise<Extract<A, { ok: true }>["body"]> {
  const { ok, status, body } = await asked;
  if (ok) return body as Extract<A, { ok: true }>["body"];
  throw new ProblemError(status as number, body as Problem);
}

export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(`${status}: ${problem.detail}`);
  }
}

const fill = (path: string, params: object): string =>
  Object.entries(params).reduce(
    (filled, [name, value]) => filled.replace(`{${name}}`, encodeURIComponent(String(value))),
    path,
  );

function search(query: object): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(Object.fromEntries(pairs)).toString();
  return text === "" ? "" : `?${text}`;
}

const wait = (ms: number, signal?: AbortSignal) =>
  new Promise<void>((resume) => {
    const timer = setTimeout(resume, ms);
    const stop = () => {
      clearTimeout(timer);
      resume();
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
