import {
  type GraphQLField,
  type GraphQLFieldResolver,
  getNamedType,
  getNullableType,
  isListType,
  isObjectType,
} from "graphql";
import { createSchema, type GraphQLParams } from "graphql-yoga";
import { type Api, api } from "../../contracts/api.js";
import type { OrderView, TimelineEntry } from "../../contracts/order.js";
import type { Product } from "../../contracts/product.js";
import type { Call } from "./call.js";
import type { loaders } from "./loaders.js";
import type { Args } from "./question.js";
import { operations } from "./schema-operations.js";
import { types } from "./schema-types.js";
import { snake } from "./spelling.js";

/** What there is at hand for one request: what was asked, and for the resolvers. */
export type Context = { asked: GraphQLParams; call: Call; load: ReturnType<typeof loaders>; signal: AbortSignal };
type Resolver<Source> = (source: Source, args: Args, context: Context) => unknown;
type Field = GraphQLField<unknown, Context>;
type Page = { items: unknown[]; next_cursor: string | null; cursors: string[] };

const order: Record<string, Resolver<OrderView>> = {
  payments: ({ id }, _, { load }) => load.payments.load(id),
  customer: ({ user_id }, _, { load }) => load.customer.load(user_id),
};
const line: Record<string, Resolver<OrderView["items"][number]>> = {
  product: ({ product_id }, _, { load }) => load.product.load(product_id),
};
const product: Record<string, Resolver<Product>> = {
  stock: ({ id }, _, { load }) => load.stock.load(id),
};
const orderEvents = {
  subscribe: (_: unknown, { orderId, after }: Args, { call, signal }: Context) =>
    call.follow(orderId as string, (after as number | null | undefined) ?? 0, signal),
  resolve: (entry: TimelineEntry) => entry,
};

/** Every query and mutation asks the route of its name; every other field without a resolver is a name of the contract. */
export function schema() {
  const built = createSchema<Context>({
    typeDefs: [types, operations],
    resolvers: { Order: order, OrderLine: line, Product: product, Subscription: { orderEvents } },
  });
  for (const type of Object.values(built.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith("__")) continue;
    const root = type === built.getQueryType() || type === built.getMutationType();
    for (const field of Object.values(type.getFields())) field.resolve ??= root ? byRoute(field) : byName(field.name);
  }
  return built;
}

function byName(name: string): GraphQLFieldResolver<Record<string, unknown>, Context> {
  const inContract = snake(name);
  return (source) => source[name] ?? source[inContract];
}

function byRoute({ name, type }: Field): GraphQLFieldResolver<unknown, Context> {
  const route = api[name as keyof Api];
  if (getNamedType(type).name.endsWith("Connection"))
    return async (_, args, { call }) =>
      connection((await call.route(route, { ...args, cursors: "true" })) as Page, args.after);
  if (isListType(getNullableType(type)))
    return async (_, args, { call }) => ((await call.route(route, args)) as Page).items;
  return async (_, args, { call }) => (await call.route(route, args)) ?? true;
}

/** A page by the Relay cursor specification. */
function connection({ items, next_cursor, cursors }: Page, after: unknown) {
  const edges = items.map((node, n) => ({ node, cursor: cursors[n] }));
  const pageInfo = {
    hasNextPage: next_cursor !== null,
    hasPreviousPage: typeof after === "string",
    startCursor: edges[0]?.cursor,
    endCursor: edges.at(-1)?.cursor,
  };
  return { edges, pageInfo };
}
