import type { z } from "zod";
import type { Route } from "../../contracts/api.js";
import { Problem as ProblemDetails } from "../../contracts/common.js";
import { Problem, Unavailable } from "../../kit/problem.js";
import { type Answer, mustBeAscii } from "./forward.js";
import { asContract } from "./spelling.js";

export type Args = Record<string, unknown>;

/** What a service refused, in its own words. */
export function refusal(app: string, { statusCode, headers, text }: Answer): Error {
  const problem = ProblemDetails.safeParse(JSON.parse(text));
  if (!problem.success) return new Unavailable(`the ${app} service`, new Error(`${statusCode} ${text.slice(0, 500)}`));
  const { type, title, status, detail, ...extra } = problem.data;
  return new Problem(statusCode, detail, extra, Number(headers["retry-after"]) || undefined);
}

const renamed: Record<string, string> = { first: "limit", after: "cursor", order_id: "id" };

/** Arguments become what the route takes: a part of the path, of the query, a header, and the rest is the body. */
export function question(route: Route, { input, ...rest }: Args) {
  const params = new Map<string, unknown>();
  const query = new URLSearchParams();
  const headers: Record<string, string> = {};
  const body: Args = {};
  const has = (part: z.ZodObject | undefined, name: string) => part !== undefined && name in part.shape;

  for (const [argument, value] of Object.entries(asContract({ ...rest, ...(input as Args) }) as Args)) {
    const name = has(route.params, argument) ? argument : (renamed[argument] ?? argument);
    const header = name.replaceAll("_", "-");
    if (has(route.params, name)) params.set(name, value);
    else if (has(route.body as z.ZodObject | undefined, name)) body[name] = value;
    else if (value === null || value === undefined) continue;
    else if (has(route.query, name)) query.set(name, String(value));
    else if (has(route.headers, header)) headers[header] = headerOf(header, value);
    else throw new Error(`${route.path} has no ${name}`);
  }
  if (route.body) headers["content-type"] = "application/json";
  const path = route.path.replace(/\{(\w+)\}/g, (_, name) => segment(params.get(name)));
  return {
    path: query.size > 0 ? `${path}?${query}` : path,
    headers,
    body: route.body ? json(body) : null,
  };
}

/** Metadata may be any JSON, also such as is nested deeper than the stack. */
function json(body: Args): string {
  try {
    return JSON.stringify(body);
  } catch {
    throw new Problem(422, "the input is nested too deeply");
  }
}

/** If-Match holds an ETag, and an order's ETag is its version in quotes. */
function headerOf(name: string, value: unknown): string {
  const text = name === "if-match" ? `"${value}"` : String(value);
  mustBeAscii(name, text);
  return text;
}

/** One plain segment of a path: a slash or dots, however escaped, could reach a path that is not public. */
function segment(value: unknown): string {
  if (!/^[\w-][\w.~:-]*$/.test(String(value))) throw new Problem(404, "there is none");
  return String(value);
}
