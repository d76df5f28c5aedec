import type { Client, Refused } from "../client/client.js";
import type { Api } from "../contracts/api.js";
import type { Problem } from "../contracts/common.js";
import { ended, session } from "./session.js";

// The API as the contract types it, without the contract's schemas: they would be most of what a browser has to load.

type Calls = Omit<Client, "watch">;
type RouteOf<K extends keyof Calls> = `${Api[K]["method"]} ${Api[K]["path"]}`;
/** "GET /orders/{id}", and so every route. */
export type Route = { [K in keyof Calls]: RouteOf<K> }[keyof Calls];
type Named<R extends Route> = { [K in keyof Calls]: RouteOf<K> extends R ? K : never }[keyof Calls];
type Input<R extends Route> = Parameters<Calls[Named<R>]>;
type Body<R extends Route> = Exclude<Awaited<ReturnType<Calls[Named<R>]>>, Refused>["body"];

/** What the server refuses, in its own words. */
export class Refusal extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}
/** No answer came: whether anything was done is unknown. */
export class NoAnswer extends Error {}

type Parts = { params?: object; query?: object; headers?: object; body?: unknown };

/** Asks a route of the API as whoever is signed in; throws a Refusal or NoAnswer. */
export const ask = <R extends Route>(route: R, ...[input]: Input<R>): Promise<Body<R>> =>
  send(route, input as Parts | undefined, session.get()?.token) as Promise<Body<R>>;

/** The same with another token. */
export const askAs = <R extends Route>(token: string, route: R, ...[input]: Input<R>): Promise<Body<R>> =>
  send(route, input as Parts | undefined, token) as Promise<Body<R>>;

/** Any path of the gateway, also those that are no part of the public API. */
export async function send(route: string, { params = {}, query = {}, headers, body }: Parts = {}, token?: string) {
  const [method = "GET", path = ""] = route.split(" ");
  const answer = await fetch(fill(path, params) + search(query), {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch(() => undefined);
  const text = await answer?.text().catch(() => undefined);
  if (!answer || text === undefined) throw new NoAnswer("The gateway does not answer.");
  const value = text === "" ? undefined : read(text, answer);
  if (answer.ok) return value;
  if (answer.status === 401) ended(token);
  throw new Refusal(value as Problem);
}

function read(text: string, { status }: Response): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new NoAnswer(`What came back is no answer of ours (${status}).`);
  }
}

const fill = (path: string, params: object): string =>
  Object.entries(params).reduce((all, [name, value]) => all.replace(`{${name}}`, encodeURIComponent(value)), path);

function search(query: object): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  return given.length > 0 ? `?${new URLSearchParams(given)}` : "";
}
