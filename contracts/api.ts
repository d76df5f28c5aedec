import { z } from "zod";
import { Consumer, DeadLetter, DeadLetterInFull, ListDeadLetters, Reconciliation } from "./admin.js";
import { Id, PageQuery, pageOf } from "./common.js";
import { SetStock, Stock } from "./inventory.js";
import { Notification } from "./notification.js";
import {
  CancelOrder,
  ChangeStatus,
  ListOrders,
  Order,
  PatchOrder,
  PayOrder,
  PlaceOrder,
  TimelineEntry,
} from "./order.js";
import { Payment, RecordRefund } from "./payment.js";
import { ListProducts, Product, PutProduct } from "./product.js";
import { KeySet, PatchUser, SetRoles, SignUp, Token, TokenRequest, User } from "./user.js";

// The public API, one route after the other. The gateway's allow-list, openapi.json, the typed client, docs/api and
// the tests of who may what are all made from this table; what is not in it does not exist.

/**
 * Who is answered. `owner`, `self`: whose order, payment or account it is; to everyone else it does not exist (404). A
 * role that is missing is refused (403), no token at all is 401. Admin may do all that staff may.
 */
export type Who =
  | "anyone"
  | "signed-in"
  | "customer"
  | "owner"
  | "owner or staff"
  | "that customer or staff"
  | "self or admin"
  | "staff"
  | "admin";

export type Route = {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** As OpenAPI writes it: /orders/{id}. */
  path: string;
  service: "api-gateway" | "product" | "order" | "user" | "payment" | "notification" | "inventory";
  who: Who;
  summary: string;
  description?: string;
  params?: z.ZodObject;
  query?: z.ZodObject;
  headers?: z.ZodObject;
  body?: z.ZodType;
  /** Success by status: what it means and, where there is one, the body. */
  answers: Record<number, { is: string; body?: z.ZodType; type?: string; headers?: Record<string, string> }>;
  /** Refusals beyond those that every route of its kind has (see `problemsOf`). */
  problems?: Record<number, string>;
};

const id = z.object({ id: Id });
export const IdempotencyKey = z
  .string()
  .regex(/^[\x20-\x7e]{1,255}$/)
  .describe(
    "1 to 255 printable ASCII characters. The same key and body is the same request, however often it is sent.",
  );
const required = z.object({ "idempotency-key": IdempotencyKey });
const optional = required.partial();
const etag = { etag: "The order's version, for If-Match" };
const page = <T extends z.ZodType>(item: T) => ({ 200: { is: "A page", body: pageOf(item) } });

const isObject = (text: string): boolean => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
};
const GraphqlAnswer = z.looseObject({ data: z.unknown().optional(), errors: z.array(z.unknown()).optional() });

export const api = {
  signUp: {
    method: "POST",
    path: "/users",
    service: "user",
    who: "anyone",
    summary: "Sign up as a customer",
    body: SignUp,
    answers: { 201: { is: "Signed up", body: User, headers: { location: "Where the user is" } } },
    problems: { 409: "The e-mail address is taken" },
  },
  signIn: {
    method: "POST",
    path: "/auth/token",
    service: "user",
    who: "anyone",
    summary: "Sign in",
    body: TokenRequest,
    answers: { 200: { is: "Signed in", body: Token } },
    problems: { 401: "E-mail address or password is wrong" },
  },
  keys: {
    method: "GET",
    path: "/.well-known/jwks.json",
    service: "user",
    who: "anyone",
    summary: "Public keys of access tokens",
    answers: { 200: { is: "The keys", body: KeySet } },
  },
  me: {
    method: "GET",
    path: "/users/me",
    service: "user",
    who: "signed-in",
    summary: "Your account",
    answers: { 200: { is: "The account", body: User } },
    problems: { 404: "The account is gone" },
  },
  changeMe: {
    method: "PATCH",
    path: "/users/me",
    service: "user",
    who: "signed-in",
    summary: "Change your account",
    description: "The country decides on taxes from the next access token on.",
    body: PatchUser,
    answers: { 200: { is: "Changed", body: User } },
    problems: { 403: "The present password is wrong", 404: "The account is gone" },
  },
  user: {
    method: "GET",
    path: "/users/{id}",
    service: "user",
    who: "self or admin",
    summary: "An account",
    params: id,
    answers: { 200: { is: "The account", body: User } },
  },
  setRoles: {
    method: "PUT",
    path: "/users/{id}/roles",
    service: "user",
    who: "admin",
    summary: "Set an account's roles",
    description: "They count from the account's next access token on.",
    params: id,
    body: SetRoles,
    answers: { 200: { is: "Set", body: User } },
    problems: { 409: "Admins do not take the admin role from themselves" },
  },

  products: {
    method: "GET",
    path: "/products",
    service: "product",
    who: "anyone",
    summary: "The catalogue, by name",
    description: "`q` finds products whose name holds it. Only active products are listed.",
    query: ListProducts,
    answers: page(Product),
  },
  product: {
    method: "GET",
    path: "/products/{id}",
    service: "product",
    who: "anyone",
    summary: "A product",
    params: id,
    answers: { 200: { is: "The product", body: Product } },
  },
  addProduct: {
    method: "POST",
    path: "/products",
    service: "product",
    who: "admin",
    summary: "Add a product",
    headers: optional,
    body: PutProduct,
    answers: {
      201: { is: "Added", body: Product, headers: { location: "Where the product is" } },
      200: { is: "Added before, by the same Idempotency-Key", body: Product },
    },
    problems: { 409: "Added before, by the same Idempotency-Key, and taken out since" },
  },
  changeProduct: {
    method: "PUT",
    path: "/products/{id}",
    service: "product",
    who: "admin",
    summary: "Replace a product",
    params: id,
    body: PutProduct,
    answers: { 200: { is: "Replaced", body: Product } },
  },
  removeProduct: {
    method: "DELETE",
    path: "/products/{id}",
    service: "product",
    who: "admin",
    summary: "Take a product out of the catalogue",
    params: id,
    answers: { 204: { is: "Gone; orders that hold it keep its name and price" } },
  },

  placeOrder: {
    method: "POST",
    path: "/orders",
    service: "order",
    who: "customer",
    summary: "Place an order",
    description:
      "The order is stored when this answers. With `payment_method` it is charged at once, without it waits for POST /orders/{id}/payments until `pay_by`.",
    headers: required,
    body: PlaceOrder,
    answers: {
      201: { is: "Placed", body: Order, headers: { location: "Where the order is", ...etag } },
      200: { is: "Placed before, by the same Idempotency-Key", body: Order, headers: etag },
    },
    problems: { 409: "Out of stock: product_id, requested_qty, available_qty" },
  },
  orders: {
    method: "GET",
    path: "/orders",
    service: "order",
    who: "signed-in",
    summary: "Your orders, newest first; staff: all orders",
    description: "With `offset`, which is staff's: oldest first.",
    query: ListOrders,
    answers: page(Order),
    problems: { 403: "offset is staff's" },
  },
  ordersOfCustomer: {
    method: "GET",
    path: "/orders/customer/{customer_id}",
    service: "order",
    who: "that customer or staff",
    summary: "A customer's orders, newest first",
    params: z.object({ customer_id: Id }),
    query: ListOrders,
    answers: page(Order),
    problems: { 403: "offset is staff's" },
  },
  order: {
    method: "GET",
    path: "/orders/{id}",
    service: "order",
    who: "owner or staff",
    summary: "An order",
    params: id,
    answers: { 200: { is: "The order", body: Order, headers: etag } },
  },
  orderAlias: {
    method: "GET",
    path: "/order/{id}",
    service: "order",
    who: "owner or staff",
    summary: "An order, by its other path",
    params: id,
    answers: { 200: { is: "The order", body: Order, headers: etag } },
  },
  timeline: {
    method: "GET",
    path: "/orders/{id}/timeline",
    service: "order",
    who: "owner or staff",
    summary: "What happened to an order, in its order",
    params: id,
    query: PageQuery,
    answers: page(TimelineEntry),
  },
  orderEvents: {
    method: "GET",
    path: "/orders/{id}/events",
    service: "api-gateway",
    who: "owner or staff",
    summary: "The timeline as it grows, as server-sent events",
    description:
      "Each event's data is a timeline entry and its id the entry's `seq`; `Last-Event-ID` resumes after it.",
    params: id,
    headers: z.object({ "last-event-id": z.string().optional() }),
    answers: { 200: { is: "A stream", body: z.string(), type: "text/event-stream" } },
  },
  changeOrder: {
    method: "PATCH",
    path: "/orders/{id}",
    service: "order",
    who: "owner or staff",
    summary: "Change notes and metadata",
    params: id,
    headers: optional.extend({ "if-match": z.string().optional() }),
    body: PatchOrder,
    answers: { 200: { is: "Changed", body: Order, headers: etag } },
    problems: { 409: "More than 50 metadata entries", 412: "Changed since the version that If-Match names" },
  },
  setStatus: {
    method: "PUT",
    path: "/orders/{id}/status",
    service: "order",
    who: "owner or staff",
    summary: "Move an order on",
    description:
      "Staff ships (tracking_number, carrier), delivers, records an offline payment (`paid` with payment_reference) or cancels; the owner may only cancel. The present status again changes nothing.",
    params: id,
    headers: optional,
    body: ChangeStatus,
    answers: { 200: { is: "Moved", body: Order, headers: etag } },
    problems: { 403: "Only staff may set this status", 409: "An illegal move: status_now, allowed" },
  },
  cancelOrder: {
    method: "POST",
    path: "/orders/{id}/cancel",
    service: "order",
    who: "owner or staff",
    summary: "Cancel an order",
    description: "What was paid is given back and the goods are released; both are visible in the order until done.",
    params: id,
    headers: optional,
    body: CancelOrder,
    answers: { 200: { is: "Cancelled", body: Order, headers: etag } },
    problems: { 409: "It can no longer be cancelled: status_now, allowed" },
  },
  payOrder: {
    method: "POST",
    path: "/orders/{id}/payments",
    service: "order",
    who: "owner",
    summary: "Pay, or pay again after a refusal",
    params: id,
    headers: optional,
    body: PayOrder,
    answers: { 202: { is: "The attempt is under way", body: Order, headers: etag } },
    problems: { 403: "Only the customer pays", 409: "An attempt is under way, or the order does not wait for money" },
  },
  removeOrder: {
    method: "DELETE",
    path: "/orders/{id}",
    service: "order",
    who: "admin",
    summary: "Delete an order that has ended",
    params: id,
    answers: { 204: { is: "Deleted" } },
    problems: { 409: "Neither delivered nor cancelled, or money or goods are still on their way back" },
  },

  payments: {
    method: "GET",
    path: "/orders/{id}/payments",
    service: "payment",
    who: "owner or staff",
    summary: "An order's payment attempts and refunds",
    params: id,
    answers: page(Payment),
  },
  payment: {
    method: "GET",
    path: "/payments/{id}",
    service: "payment",
    who: "owner or staff",
    summary: "A payment",
    params: id,
    answers: { 200: { is: "The payment", body: Payment } },
  },
  recordRefund: {
    method: "POST",
    path: "/payments/{id}/refunds",
    service: "payment",
    who: "staff",
    summary: "Record that an external payment was paid back",
    params: id,
    body: RecordRefund,
    answers: { 200: { is: "Recorded", body: Payment } },
    problems: { 409: "Not external, or nothing is to be paid back" },
  },

  stock: {
    method: "GET",
    path: "/inventory/{product_id}",
    service: "inventory",
    who: "anyone",
    summary: "Stock of a product",
    params: z.object({ product_id: Id }),
    answers: { 200: { is: "The stock", body: Stock } },
  },
  setStock: {
    method: "PUT",
    path: "/inventory/{product_id}",
    service: "inventory",
    who: "staff",
    summary: "Count the stock of a product",
    params: z.object({ product_id: Id }),
    body: SetStock,
    answers: { 200: { is: "Counted", body: Stock } },
    problems: { 409: "More than that is held for orders: held" },
  },

  notifications: {
    method: "GET",
    path: "/notifications",
    service: "notification",
    who: "signed-in",
    summary: "Messages to you, newest first",
    query: PageQuery,
    answers: page(Notification),
  },

  deadLetters: {
    method: "GET",
    path: "/admin/dead-letters",
    service: "api-gateway",
    who: "admin",
    summary: "Messages that could not be handled, newest first",
    description: "Of all consumers, or of one by `service`. While one of them is away the list is 503, never short.",
    query: ListDeadLetters,
    answers: page(DeadLetter),
  },
  deadLetter: {
    method: "GET",
    path: "/admin/dead-letters/{service}/{id}",
    service: "api-gateway",
    who: "admin",
    summary: "A dead letter with the message itself",
    params: z.object({ service: Consumer, id: z.string() }),
    answers: { 200: { is: "The dead letter", body: DeadLetterInFull } },
  },
  redrive: {
    method: "POST",
    path: "/admin/dead-letters/{service}/{id}/redrive",
    service: "api-gateway",
    who: "admin",
    summary: "Hand a dead letter to its consumer again",
    description: "Its effect happens once, however often it is re-driven. It is gone when it was handled.",
    params: z.object({ service: Consumer, id: z.string() }),
    answers: { 204: { is: "Handled and gone" } },
    problems: { 409: "It still cannot be handled: the detail says why" },
  },
  discard: {
    method: "DELETE",
    path: "/admin/dead-letters/{service}/{id}",
    service: "api-gateway",
    who: "admin",
    summary: "Throw a dead letter away",
    params: z.object({ service: Consumer, id: z.string() }),
    answers: { 204: { is: "Gone" } },
  },
  reconciliation: {
    method: "GET",
    path: "/admin/reconciliation",
    service: "order",
    who: "admin",
    summary: "Whether money and stock are where the orders say: the last run",
    answers: { 200: { is: "The last run", body: Reconciliation } },
  },
  reconcile: {
    method: "POST",
    path: "/admin/reconciliation",
    service: "order",
    who: "admin",
    summary: "Start a run over everything",
    description: "While a run is under way, that is the one. By itself one comes every five minutes.",
    answers: { 202: { is: "Running", body: Reconciliation } },
  },

  graphql: {
    method: "POST",
    path: "/graphql",
    service: "api-gateway",
    who: "anyone",
    summary: "All of the above as GraphQL",
    description: "Each field wants the token that its route wants.",
    body: z.object({
      query: z.string(),
      operationName: z.string().nullish(),
      variables: z.looseObject({}).nullish(),
    }),
    answers: { 200: { is: "Data, errors, or both", body: GraphqlAnswer } },
    problems: { 406: "No answer is of an accepted type" },
  },
  graphqlByGet: {
    method: "GET",
    path: "/graphql",
    service: "api-gateway",
    who: "anyone",
    summary: "The same for queries; a subscription is answered as server-sent events",
    query: z.object({
      query: z.string(),
      operationName: z.string().optional(),
      variables: z.string().refine(isObject, "not a JSON object").optional(),
    }),
    answers: { 200: { is: "Data, errors, or both", body: GraphqlAnswer } },
    problems: { 405: "A mutation wants POST", 406: "No answer is of an accepted type" },
  },
  openapi: {
    method: "GET",
    path: "/openapi.json",
    service: "api-gateway",
    who: "anyone",
    summary: "This document",
    answers: { 200: { is: "OpenAPI 3.1", body: z.looseObject({ openapi: z.string() }) } },
  },
  asyncapi: {
    method: "GET",
    path: "/asyncapi.json",
    service: "api-gateway",
    who: "anyone",
    summary: "The events, as AsyncAPI",
    answers: { 200: { is: "AsyncAPI 3", body: z.looseObject({ asyncapi: z.string() }) } },
  },
  docs: {
    method: "GET",
    path: "/docs",
    service: "api-gateway",
    who: "anyone",
    summary: "The API to read in a browser; /docs/events has the events",
    answers: { 200: { is: "A page", body: z.string(), type: "text/html" } },
  },
} as const satisfies Record<string, Route>;

export type Api = typeof api;

/** What a route may refuse with, and why: what its kind always has, and its own. */
export function problemsOf(route: Route): Record<number, string> {
  const { who, params, query, headers, body, problems } = route;
  const byRole = who === "staff" || who === "admin" || who === "customer" || who === "that customer or staff";
  const found: Record<number, string> = {};
  return Object.assign(
    found,
    (query || headers || body) && { 400: "The request is malformed" },
    who !== "anyone" && { 401: "No token, or not a valid one" },
    byRole && { 403: "The token's role is not enough" },
    params && { 404: "There is none, or it is another's" },
    body && bodyProblems,
    {
      414: "The URL is too long",
      431: "URL and headers together are too long",
      429: "Too many requests: Retry-After says when again",
      503: "A needed part is away: Retry-After says when again; nothing is lost",
    },
    problems,
  );
}

const bodyProblems = {
  413: "More than 256 KiB",
  415: "Not application/json",
  422: "Not as the schema says; `errors` names each field",
};
