import { Readable } from "node:stream";
import { GraphQLError } from "graphql";
import { createYoga, type GraphQLParams, type Plugin } from "graphql-yoga";
import type Koa from "koa";
import { api } from "../../contracts/api.js";
import { body, query } from "../../kit/http.js";
import type { Logger } from "../../kit/log.js";
import { Problem, Unavailable } from "../../kit/problem.js";
import { caller } from "./call.js";
import { type Ask, identityOf } from "./forward.js";
import { limits } from "./graphql-limits.js";
import type { Admit } from "./guard.js";
import { loaders } from "./loaders.js";
import { type Context, schema } from "./resolvers.js";
import type { Watch } from "./watch.js";

const codes: Record<number, string> = {
  401: "UNAUTHENTICATED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  409: "CONFLICT",
  412: "PRECONDITION_FAILED",
  429: "RATE_LIMITED",
  500: "INTERNAL_SERVER_ERROR",
  503: "UNAVAILABLE",
};

const media = ["application/json", "application/graphql-response+json", "text/event-stream", "multipart/mixed"];

/** POST /graphql, and GET for queries and subscriptions; subscriptions are answered as server-sent events. */
export function graphql(ask: Ask, watch: Watch, admit: Admit, log: Logger) {
  const yoga = createYoga<Context>({
    schema: schema(),
    plugins: [alreadyRead, limits],
    maskedErrors: { maskError: (error) => answered(error, log) },
    logging: false,
    graphiql: false,
    landingPage: false,
    multipart: false,
    cors: false,
  });

  return async (ctx: Koa.Context): Promise<void> => {
    if (ctx.method === "HEAD") throw new Problem(405, "GraphQL answers GET and POST");
    const gone = new AbortController();
    ctx.res.once("close", () => gone.abort());
    // Before anything is executed whose answer could not be read.
    if (!ctx.accepts(...media)) throw new Problem(406, `accept one of ${media.join(", ")}`);
    const call = caller(ask, watch, identityOf(ctx), (route) => admit(ctx, route));
    const asked = await askedIn(ctx);
    const response = await yoga.fetch(
      new URL(ctx.url, "http://api-gateway"),
      {
        method: ctx.method,
        headers: { accept: ctx.get("accept") },
      },
      { asked, call, load: loaders(call), signal: gone.signal },
    );
    ctx.status = response.status;
    response.headers.forEach((value, name) => {
      ctx.set(name, value);
    });
    if (response.status >= 400) throw new Problem(response.status, detailOf(await response.text()));
    if (!response.body) throw new Problem(response.status, response.statusText);
    const whole = response.headers.get("content-type")?.includes("json");
    ctx.body = whole ? await response.text() : Readable.from(response.body);
  };
}

/** The request is read by the rules of all routes, so that it is refused in their words. */
const alreadyRead: Plugin<object, Context> = {
  onRequestParse: ({ serverContext, setRequestParser }) => setRequestParser(() => serverContext.asked),
};

async function askedIn(ctx: Koa.Context): Promise<GraphQLParams> {
  if (ctx.method === "POST") return (await body(ctx, api.graphql.body)) as GraphQLParams;
  const { variables, ...rest } = query(ctx, api.graphqlByGet.query);
  return { ...rest, ...(variables !== undefined && { variables: JSON.parse(variables) }) };
}

/** Of what is refused before it is executed. */
function detailOf(text: string): string {
  const [first] = (text === "" ? [] : JSON.parse(text).errors) as { message: string }[];
  return first?.message ?? "this cannot be executed";
}

/** Every failure of an operation is answered here: refusals in the service's words, faults of ours in none. */
function answered(error: unknown, log: Logger): GraphQLError {
  const at = error instanceof GraphQLError ? error : undefined;
  const cause = at ? at.originalError : error;
  const say = (message: string, status: number, extra: object = {}) =>
    new GraphQLError(message, {
      ...(at && { nodes: at.nodes, source: at.source, positions: at.positions, path: at.path }),
      extensions: { ...extra, status, code: codes[status] ?? (status < 500 ? "BAD_USER_INPUT" : "UNAVAILABLE") },
    });

  if (cause instanceof Problem)
    return say(cause.detail, cause.status, { ...cause.extra, retry_after: cause.retryAfter });
  if (cause instanceof Unavailable) {
    log.warn({ err: cause, cause: String(cause.cause) }, "a needed part is away");
    return say(`${cause.message}; nothing is lost, try again`, 503, { retry_after: 2 });
  }
  // GraphQL's own refusals: of the document, or of variables, which come without a code.
  if (at && (cause === undefined || cause instanceof GraphQLError))
    return at.extensions.code ? at : say(at.message, 400);
  log.error({ err: cause }, "request failed");
  return say("something broke on our side", 500);
}
