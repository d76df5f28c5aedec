import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import { schemaModule } from "../../tools/deploy-program.js";
import { aloud } from "../../tools/say.js";
import { type Manifest, manifestsIn } from "./rendered.js";

type Schema = { [keyword: string]: unknown };
type Validate = (manifest: Manifest) => string[];

/**
 * What Kubernetes and the operators say a manifest may hold, as strictly as an API server with field validation: a field
 * that they do not know is an error. Gives what is wrong with a manifest; an unknown kind is wrong.
 */
export async function manifestSchemas(): Promise<Validate> {
  const [kubernetes, dapr, keda, cloudnativePg] = await Promise.all(
    (["kubernetes", "dapr", "keda", "cloudnativePg"] as const).map((name) => schemaModule(name, aloud)),
  );
  const crds = new Map<string, Schema>();
  for (const folder of [
    join(dapr!, "charts/dapr/crds"),
    join(keda!, "config/crd/bases"),
    join(cloudnativePg!, "config/crd/bases"),
  ])
    for (const file of readdirSync(folder).filter((name) => name.endsWith(".yaml")))
      for (const { spec } of manifestsIn(readFileSync(join(folder, file), "utf8")))
        for (const { name, schema } of spec.versions) {
          crds.set(`${spec.group}/${name} ${spec.names.kind}`, schema.openAPIV3Schema);
        }
  const openApi = join(kubernetes!, "api", "openapi-spec", "v3");
  const files = readdirSync(openApi);
  const compiled = new Map<string, ValidateFunction>();

  function validatorOf({ apiVersion, kind }: Manifest): ValidateFunction | undefined {
    const name = `${apiVersion} ${kind}`;
    const known = compiled.get(name);
    if (known) return known;
    const crd = crds.get(name);
    const made = crd ? compile(crd) : builtIn(apiVersion, kind);
    if (made) compiled.set(name, made);
    return made;
  }

  function builtIn(apiVersion: string, kind: string): ValidateFunction | undefined {
    const file = `${apiVersion === "v1" ? "api__v1" : `apis__${apiVersion.replace("/", "__")}`}_openapi.json`;
    if (!files.includes(file)) return undefined;
    const { components } = JSON.parse(readFileSync(join(openApi, file), "utf8")) as { components: { schemas: Schema } };
    const [group = "", version = apiVersion] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
    const isIt = (schema: unknown) =>
      ((schema as Schema)["x-kubernetes-group-version-kind"] as Schema[] | undefined)?.some(
        (one) => one.group === group && one.version === version && one.kind === kind,
      );
    const [name] = Object.entries(components.schemas).find(([, schema]) => isIt(schema)) ?? [];
    return name === undefined ? undefined : compile({ $ref: `#/components/schemas/${name}`, components });
  }

  return (manifest) => {
    const validate = validatorOf(manifest);
    if (!validate) return [`nobody knows a ${manifest.apiVersion} ${manifest.kind}`];
    if (validate(manifest)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  };
}

const compile = (schema: Schema): ValidateFunction =>
  // Their formats (int32, quantity) say how a value is stored, and are no formats of JSON Schema.
  new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(closed(schema) as Schema);

/** The same schema, in which an object has no other fields than those that are named. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const {
    "x-kubernetes-preserve-unknown-fields": open,
    "x-kubernetes-int-or-string": either,
    ...own
  } = schema as Schema;
  const inner = Object.fromEntries(Object.entries(own).map(([key, value]) => [key, closed(value)]));
  if (either) return { anyOf: [{ type: "integer" }, { type: "string" }] };
  const named = typeof own.properties === "object" && own.type === "object";
  return named && !open && own.additionalProperties === undefined ? { ...inner, additionalProperties: false } : inner;
}
