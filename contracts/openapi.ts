import {
  type CreateDocumentOptions,
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
} from "zod-openapi";
import { DeadLetter, DeadLetterInFull, Finding, Reconciliation } from "./admin.js";
import { api, problemsOf, type Route } from "./api.js";
import { Currency, Id, Money, Problem, Time } from "./common.js";
import { SetStock, Stock } from "./inventory.js";
import { type JsonSchema, tidy } from "./json-schema.js";
import { Notification } from "./notification.js";
import { CancelOrder, Order, PatchOrder, PayOrder, PlaceOrder, Status, TimelineEntry } from "./order.js";
import { Payment, PaymentMethod, RecordRefund } from "./payment.js";
import { Product, PutProduct } from "./product.js";
import { KeySet, PatchUser, Role, SetRoles, SignUp, Token, TokenRequest, User } from "./user.js";

// The route table as an OpenAPI document: one route is one operation, and its name in the table is the operationId.

/** What has a name in the document; the rest (pages, and what is not the same in and out) is written out in its place. */
const schemas = {
  ...{ Id, Money, Currency, Time, Problem },
  ...{ SignUp, TokenRequest, Token, KeySet, PatchUser, SetRoles, Role, User },
  ...{ Product, PutProduct, Stock, SetStock },
  ...{ PlaceOrder, PatchOrder, CancelOrder, PayOrder, Order, Status, TimelineEntry },
  ...{ Payment, PaymentMethod, RecordRefund, Notification },
  ...{ DeadLetter, DeadLetterInFull, Finding, Reconciliation },
};

export type OpenApi = ReturnType<typeof openapi>;

/** `closed`: answers hold no field that is not in the table. A test wants to know; a client must be ready for more. */
export function openapi(version: string, { closed = false } = {}) {
  const paths: ZodOpenApiPathsObject = {};
  for (const [name, route] of Object.entries<Route>(api))
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(name, route) };
  return createDocument(
    {
      openapi: "3.1.0",
      info: {
        title: "orders on Dapr",
        version,
        description:
          "Orders, from the basket to the door. Amounts are decimal strings, times are RFC 3339 in UTC, ids are UUIDs. Every refusal is an RFC 9457 problem. Answers may gain fields: ignore those you do not know.",
      },
      servers: [{ url: "/" }],
      tags: [...new Set(Object.values<Route>(api).map(({ service }) => service))].map((name) => ({ name })),
      paths,
      components: {
        schemas,
        securitySchemes: {
          bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT", description: "From POST /auth/token" },
        },
      },
    },
    { override: readable(closed) },
  );
}

function operation(name: string, route: Route): ZodOpenApiOperationObject {
  const { service, who, summary, description, params, query, headers, body, answers } = route;
  const problems = Object.entries(problemsOf(route)).map(([status, why]) => [
    status,
    general.get(why) ?? problem(Number(status), why),
  ]);
  return {
    operationId: name,
    tags: [service],
    summary,
    description: [description, `For: ${who}.`].filter(Boolean).join("\n\n"),
    security: who === "anyone" ? [] : [{ bearer: [] }],
    requestParams: { ...(params && { path: params }), ...(query && { query }), ...(headers && { header: headers }) },
    ...(body && {
      requestBody: {
        // No body at all is read as {}.
        required: !body.safeParse({}).success,
        content: { "application/json": { schema: body } },
      },
    }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, success(route, answer)])),
      ...Object.fromEntries(problems),
    },
  };
}

const success = (route: Route, { is, body, type = "application/json", headers }: Route["answers"][number]) => ({
  description: is,
  ...(headers?.location && { links: links(route) }),
  ...(headers && {
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, description]) => [
        name,
        { description, required: true, schema: { type: "string" as const } },
      ]),
    ),
  }),
  ...(body && { content: { [type]: { schema: body } } }),
});

/** What can be asked about the thing that was just made: every route under its path, with the id from the answer. */
const links = ({ path }: Route) =>
  Object.fromEntries(
    Object.entries<Route>(api)
      .filter(([, route]) => route.path.startsWith(`${path}/{id}`))
      .map(([operationId]) => [operationId, { operationId, parameters: { id: "$response.body#/id" } }]),
  );

const retryAfter = {
  "retry-after": { description: "Seconds", required: true, schema: { type: "integer" as const, minimum: 1 } },
};

const problem = (status: number, description: string) => ({
  description,
  ...((status === 429 || status === 503) && { headers: retryAfter }),
  content: { "application/problem+json": { schema: Problem } },
});

/** Refusals in words that no route chose for itself: each is written once and referred to. */
const general = new Map(
  Object.entries(problemsOf({ ...api.setStock, problems: {} })).map(([status, why]) => [
    why,
    { ...problem(Number(status), why), id: `Problem${status}` },
  ]),
);

/** JSON Schema as a person would write it. */
function readable(closed: boolean): CreateDocumentOptions["override"] {
  return ({ jsonSchema, zodSchema, io }) => {
    const strict = "catchall" in zodSchema._zod.def && zodSchema._zod.def.catchall !== undefined;
    if (io === "output" && !closed && !strict && jsonSchema.additionalProperties === false)
      delete jsonSchema.additionalProperties;
    tidy(jsonSchema as JsonSchema);
  };
}
