/** JSON Schema as far as our documents use it. */
export type Schema = {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  format?: string;
  pattern?: string;
  required?: string[];
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  propertyNames?: Schema;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
} & Partial<Record<(typeof lowest)[number] | (typeof highest)[number], number>>;

const lowest = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"] as const;
const highest = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"] as const;

/** A schema with the document that its references point into. */
export type Placed = { schema: Schema | undefined; document: object };

/**
 * Where `after` refuses what `before` allows, in words; [] when it allows all of it. What a sender sends is checked
 * with the old schema before and the new one after; what a receiver gets, the other way round. Whether another pattern
 * allows more or less nobody can tell: it counts as less.
 */
export function narrower(before: Placed, after: Placed, at = ""): string[] {
  const now = alternatives(resolved(after));
  return alternatives(resolved(before)).flatMap((was) => {
    const complaints = now.map((is) =>
      narrowerOne(was, is, at, (old, young, place) =>
        narrower({ schema: old, document: before.document }, { schema: young, document: after.document }, place),
      ),
    );
    return complaints.sort((a, b) => a.length - b.length)[0] ?? [];
  });
}

type Inner = (was: Schema | undefined, is: Schema | undefined, at: string) => string[];

function narrowerOne(was: Schema, is: Schema, at: string, inner: Inner): string[] {
  if (is.type !== undefined && is.type !== was.type && !(is.type === "number" && was.type === "integer"))
    return [`${at || "all of it"} is ${is.type}, not ${was.type ?? "anything"}`];
  return [...narrowerValues(was, is, at || "all of it"), ...narrowerParts(was, is, at, inner)];
}

function narrowerValues(was: Schema, is: Schema, place: string): string[] {
  const found: string[] = [];
  const [old, young] = [words(was), words(is)];
  if (young && !old) found.push(`${place} is one of ${young.join(", ")}`);
  if (young && old)
    for (const word of old) if (!young.includes(word)) found.push(`${place} is never ${JSON.stringify(word)}`);
  for (const key of ["format", "pattern"] as const)
    if (is[key] !== undefined && is[key] !== was[key] && !old) found.push(`${place} has the ${key} ${is[key]}`);
  for (const key of lowest)
    if ((is[key] ?? -Infinity) > (was[key] ?? -Infinity)) found.push(`${place} has the ${key} ${is[key]}`);
  for (const key of highest)
    if ((is[key] ?? Infinity) < (was[key] ?? Infinity)) found.push(`${place} has the ${key} ${is[key]}`);
  return found;
}

function narrowerParts(was: Schema, is: Schema, at: string, inner: Inner): string[] {
  const found: string[] = [];
  const field = (name: string) => (at ? `${at}.${name}` : name);
  const others = is.additionalProperties;
  for (const name of is.required ?? []) if (!was.required?.includes(name)) found.push(`${field(name)} must be there`);
  for (const [name, old] of Object.entries(was.properties ?? {})) {
    const young = is.properties?.[name] ?? others;
    if (young === false) found.push(`${field(name)} may not be there`);
    else if (typeof young === "object") found.push(...inner(old, young, field(name)));
  }
  if (others === false && was.type === "object" && was.additionalProperties !== false)
    found.push(`${at || "all of it"} has no other fields`);
  if (typeof others === "object" && typeof was.additionalProperties === "object")
    found.push(...inner(was.additionalProperties, others, field("*")));
  if (is.propertyNames) found.push(...inner(was.propertyNames, is.propertyNames, `the name ${field("*")}`));
  if (is.items) found.push(...inner(was.items, is.items, `${at}[]`));
  return found;
}

const words = (schema: Schema) => schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);

/** "A string or null" is written in two ways; here both are two schemas. */
function alternatives(schema: Schema): Schema[] {
  const { type } = schema;
  return (
    schema.anyOf ?? schema.oneOf ?? (Array.isArray(type) ? type.map((one) => ({ ...schema, type: one })) : [schema])
  );
}

function resolved({ schema = {}, document }: Placed): Schema {
  if (schema.$ref === undefined) return schema;
  const path = schema.$ref.slice(2).split("/");
  const target = path.reduce(
    (part, name) => part[name] as Record<string, unknown>,
    document as Record<string, unknown>,
  );
  return resolved({ schema: target as Schema, document });
}
