import {
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
} from "graphql";
import { expect, test } from "vitest";
import { z } from "zod";
import { type Api, api, type Route } from "../../contracts/api.js";
import { schema } from "./resolvers.js";

// The types are written by hand, so that they can be read. They must say what the contract says.

const built = schema();
const roots = [built.getQueryType()!, built.getMutationType()!, built.getSubscriptionType()!];
const fields = roots.flatMap((root) => Object.values(root.getFields()));
const camel = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** Where type and contract differ. */
function differences(at: string, contract: z.ZodType, type: GraphQLOutputType): string[] {
  if (contract instanceof z.ZodNullable || contract instanceof z.ZodOptional)
    return [
      ...(isNonNullType(type) ? [`${at} may be null`] : []),
      ...differences(at, contract.unwrap() as z.ZodType, type),
    ];
  const bare = isNonNullType(type) ? type.ofType : type;
  if (contract instanceof z.ZodArray)
    return isListType(bare) ? differences(`${at}[]`, contract.element as z.ZodType, bare.ofType) : [`${at} is a list`];
  if (contract instanceof z.ZodEnum && isEnumType(bare)) {
    const words = bare.getValues().map(({ name }) => name);
    return words.join() === contract.options.join() ? [] : [`${at} is one of ${contract.options}`];
  }
  if (!(contract instanceof z.ZodObject)) return isObjectType(bare) ? [`${at} has no fields`] : [];
  if (!isObjectType(bare)) return [`${at} has fields`];
  return Object.entries(contract.shape).flatMap(([name, inner]) => {
    const field = bare.getFields()[camel(name)];
    const path = `${at}.${name}`;
    if (!field) return [`${path} is missing`];
    const nullable = inner instanceof z.ZodNullable || inner instanceof z.ZodOptional;
    return [
      ...(nullable || isNonNullType(field.type) ? [] : [`${path} is never null`]),
      ...differences(path, inner as z.ZodType, field.type),
    ];
  });
}

const fieldOf = (type: GraphQLOutputType, name: string) =>
  (getNamedType(type) as GraphQLObjectType).getFields()[name]!.type;

test.each(fields.filter(({ name }) => name !== "orderEvents"))(
  "$name answers all that its route does",
  ({ name, type }) => {
    // A refused field is null, and the others beside it are answered.
    expect(isNonNullType(type)).toBe(false);
    const route: Route = api[name as keyof Api];
    const body = Object.values(route.answers)[0]?.body;
    if (!body) return expect(getNamedType(type).name).toBe("Boolean");
    const { items, next_cursor } = (body as z.ZodObject).shape as {
      items: z.ZodArray<z.ZodType>;
      next_cursor?: unknown;
    };
    if (!next_cursor) return expect(differences(name, body, type)).toEqual([]);
    if (isListType(type)) return expect(differences(name, items, type)).toEqual([]);
    expect(differences(name, items.element, fieldOf(fieldOf(type, "edges"), "node"))).toEqual([]);
  },
);
