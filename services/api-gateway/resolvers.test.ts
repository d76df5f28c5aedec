import {
  type GraphQLInputType,
  getNamedType,
  getNullableType,
  graphql,
  isEnumType,
  isInputObjectType,
  isListType,
  isObjectType,
} from "graphql";
import { describe, expect, test } from "vitest";
import type { z } from "zod";
import { api, type Route } from "../../contracts/api.js";
import { Id } from "../../contracts/common.js";
import { caller } from "./call.js";
import type { Ask } from "./forward.js";
import { loaders } from "./loaders.js";
import { schema } from "./resolvers.js";

type Asked = { app: string } & Parameters<Ask>[1];

const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const built = schema();

const unwatched = () => Promise.reject(new Error("nobody watches here"));

/** Runs an operation against services that answer as told, and gives what they were asked. */
async function run(source: string, answer: (asked: Asked) => unknown) {
  const asked: Asked[] = [];
  const ask: Ask = async (app, request) => {
    asked.push({ app, ...request });
    return { statusCode: 200, headers: {}, text: JSON.stringify(answer({ app, ...request })) ?? "" };
  };
  const call = caller(ask, unwatched, { authorization: "Bearer t" }, async () => undefined);
  const contextValue = { call, load: loaders(call), signal: new AbortController().signal };
  return { asked, ...(await graphql({ schema: built, source, contextValue })) };
}

describe("the table of the API", () => {
  /** Documents, keys, this very route, and another path of one that is there. */
  const elsewhere = ["keys", "openapi", "asyncapi", "docs", "graphql", "graphqlByGet", "orderAlias"];
  const routes = Object.entries<Route>(api).filter(([name]) => !elsewhere.includes(name));
  const roots = {
    query: built.getQueryType()!.getFields(),
    mutation: built.getMutationType()!.getFields(),
    subscription: built.getSubscriptionType()!.getFields(),
  };
  const kindOf = (name: string, { method }: Route) => {
    if (name === "orderEvents") return "subscription";
    return method === "GET" ? "query" : "mutation";
  };

  test.each(routes.map(([name, route]) => [name, kindOf(name, route)] as const))("%s is a %s", (name, kind) => {
    expect(Object.keys(roots[kind])).toContain(name);
  });

  test("nothing else is a query, mutation or subscription", () => {
    const fields = Object.values(roots).flatMap((root) => Object.keys(root));
    expect(fields.sort()).toEqual(routes.map(([name]) => name).sort());
  });

  test.each(routes.filter(([name]) => name !== "orderEvents"))(
    "%s asks its route, and can say all that the contract takes",
    async (name, route) => {
      const kind = kindOf(name, route);
      const { args, type } = roots[kind][name]!;
      const given = args.map((arg) => `${arg.name}: ${example(arg.name, arg.type)}`).join(", ");
      const selection = isObjectType(getNamedType(type)) ? "{ __typename }" : "";
      const page = 204 in route.answers ? undefined : { items: [], next_cursor: null };
      const { asked, errors } = await run(`${kind} { ${name}${given && `(${given})`} ${selection} }`, () => page);

      expect(errors).toBeUndefined();
      expect(asked).toHaveLength(1);
      const { app, method, path, headers, body } = asked[0]!;
      const [pathname, search] = path.split("?") as [string, string | undefined];
      const inPath = (_: string, param: string) => {
        if (param === "service") return "order";
        return route.params?.shape[param] === Id ? id(7) : "long-enough";
      };
      const asTable = [route.service, route.method, route.path.replace(/\{(\w+)\}/g, inPath)];
      expect([app, method, pathname]).toEqual(asTable);
      expect(headers.authorization).toBe("Bearer t");

      const query = Object.fromEntries(new URLSearchParams(search));
      // By cursor only: `offset` is another way through the same list.
      expect(Object.keys(query).sort()).toEqual(keysOf(route.query).filter((key) => key !== "offset"));
      expect(route.query?.safeParse(query).error).toBeUndefined();
      for (const header of keysOf(route.headers)) expect(headers[header]).toMatch(/^("1"|long-enough)$/);
      const sent = body === null ? undefined : JSON.parse(body as string);
      expect(Object.keys(sent ?? {}).sort()).toEqual(keysOf(route.body));
      expect(route.body?.safeParse(sent).error).toBeUndefined();
      if (sent?.metadata) expect(sent.metadata).toEqual({ a_b: "1", aB: "2" });
    },
  );

  const keysOf = (part: z.ZodType | undefined) => Object.keys((part as z.ZodObject | undefined)?.shape ?? {}).sort();

  const examples: Record<string, string> = {
    email: '"a@b.example"',
    currency: '"EUR"',
    price: '"1.00"',
    country: '"DE"',
    locale: '"de"',
    metadata: '{ a_b: "1", aB: "2" }',
  };
  const ofType: Record<string, string> = { ID: `"${id(7)}"`, Int: "1", Boolean: "true", String: '"long-enough"' };

  function example(name: string, type: GraphQLInputType): string {
    const bare = getNullableType(type);
    if (isListType(bare)) return `[${example(name, bare.ofType)}]`;
    if (isEnumType(bare)) return bare.getValues()[0]!.name;
    if (!isInputObjectType(bare)) return examples[name] ?? ofType[bare.name]!;
    const fields = Object.values(bare.getFields()).map((field) => `${field.name}: ${example(field.name, field.type)}`);
    return `{ ${fields.join(", ")} }`;
  }
});

describe("a page and all that belongs to it", () => {
  const everything = (first: number) => `{
    orders(first: ${first}) { edges { cursor node {
      id customer { name } payments { paymentId } items { name product { name stock { available } } }
    } } pageInfo { hasNextPage hasPreviousPage endCursor } }
  }`;

  /** Orders of other customers each, with three lines each out of so many products. */
  const services = (products: number) => (asked: Asked) => {
    const { pathname, searchParams } = new URL(asked.path, "http://x");
    if (pathname === "/orders") {
      const items = Array.from({ length: Number(searchParams.get("limit")) }, (_, n) => ({
        id: id(n),
        user_id: id(1000 + n),
        items: [0, 1, 2].map((line) => ({ product_id: id((3 * n + line) % products), name: "as sold" })),
      }));
      return { items, next_cursor: "last", cursors: items.map(({ id }) => `after ${id}`) };
    }
    const { product_ids = [], order_ids = [], user_ids = [] } = JSON.parse(asked.body as string);
    const all: string[] = [...product_ids, ...order_ids, ...user_ids];
    expect(all.length).toBeLessThanOrEqual(100);
    expect(new Set(all).size).toBe(all.length);
    const created_at = "2026-01-01T00:00:00Z";
    const product = {
      description: "",
      price: "1.00",
      currency: "EUR",
      active: true,
      created_at,
      updated_at: created_at,
    };
    const stock = { on_hand: 5, held: 0, available: 5, reserved: 0 };
    const payment = { attempt: 1, method: "card_ok", amount: "1.00", currency: "EUR", status: "pending" as const };
    return {
      // In another order than asked, and without one of them.
      products: product_ids
        .slice(1)
        .reverse()
        .map((id: string) => ({ id, name: `product ${id}`, ...product })),
      stock: product_ids.map((product_id: string) => ({ product_id, ...stock })),
      payments: order_ids.flatMap((order_id: string) =>
        [1, 2].map((n) => ({
          ...{ payment_id: id(n), order_id, user_id: id(1), ...payment },
          ...{ code: null, provider: "card", payment_date: null, refund: null },
        })),
      ),
      users: user_ids.map((id: string) => ({
        id,
        email: "a@b.example",
        name: `user ${id}`,
        locale: "en",
        country: null,
      })),
    };
  };

  test.each([1, 20, 100])("%i orders cost five questions", async (first) => {
    const { asked, data, errors } = await run(everything(first), services(40));
    expect(errors).toBeUndefined();
    expect(asked.map(({ app, path }) => `${app} ${path.split("?")[0]}`).sort()).toEqual([
      "inventory /rpc/stock",
      "order /orders",
      "payment /rpc/payments",
      "product /rpc/products",
      "user /rpc/users",
    ]);
    expect(asked.map(({ headers }) => headers.authorization)).toEqual(Array(5).fill("Bearer t"));
    expect((data as { orders: { edges: unknown[] } }).orders.edges).toHaveLength(first);
  });

  test("each thing finds its own, and what is gone is null", async () => {
    const { data } = await run(everything(2), services(40));
    const stock = { available: 5 };
    const line = (n: number) => ({ name: "as sold", product: { name: `product ${id(n)}`, stock } });
    const payments = [{ paymentId: id(1) }, { paymentId: id(2) }];
    const node = (n: number) => ({ id: id(n), customer: { name: `user ${id(1000 + n)}` }, payments });
    expect(JSON.parse(JSON.stringify(data))).toEqual({
      orders: {
        edges: [
          {
            cursor: `after ${id(0)}`,
            node: { ...node(0), items: [{ name: "as sold", product: null }, line(1), line(2)] },
          },
          { cursor: `after ${id(1)}`, node: { ...node(1), items: [line(3), line(4), line(5)] } },
        ],
        pageInfo: { hasNextPage: true, hasPreviousPage: false, endCursor: `after ${id(1)}` },
      },
    });
  });

  test("more products than a question may name are asked for a hundred at a time", async () => {
    const { asked } = await run(everything(100), services(1000));
    expect(asked.filter(({ path }) => path === "/rpc/products")).toHaveLength(3);
    expect(asked.filter(({ path }) => path === "/rpc/stock")).toHaveLength(3);
  });
});
