import { createRequire } from "node:module";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv } from "ajv";
import formats from "ajv-formats";
import { expect, test } from "vitest";
import { api } from "./api.js";
import { asyncapi } from "./asyncapi.js";
import { events, type Topic, topics } from "./events.js";
import { openapi } from "./openapi.js";

// biome-ignore lint/suspicious/noExplicitAny: read as a client would, without our types.
type Json = any;
const plain = (document: object) => JSON.parse(JSON.stringify(document)) as Json;
const api31 = plain(openapi("1.2.3"));
const async30 = plain(asyncapi("1.2.3"));

test("openapi.json is OpenAPI 3.1 and all its references lead somewhere", async () => {
  const validator = new Validator();
  expect((await validator.validate(plain(api31))).errors).toBeUndefined();
  expect(validator.version).toBe("3.1");
  expect(() => validator.resolveRefs()).not.toThrow();
});

test("every route is one operation, under its own name, with every answer and refusal described", () => {
  const operations = Object.values<Json>(api31.paths).flatMap((item) => Object.values<Json>(item));
  expect(operations.map(({ operationId }) => operationId)).toEqual(expect.arrayContaining(Object.keys(api)));
  expect(operations).toHaveLength(Object.keys(api).length);
  for (const { operationId, security, responses } of operations) {
    expect(Object.keys(responses), String(operationId)).toEqual(expect.arrayContaining(["429", "503"]));
    const open = api[String(operationId) as keyof typeof api].who === "anyone";
    expect([operationId, security]).toEqual([operationId, open ? [] : [{ bearer: [] }]]);
  }
});

test("its schemas say what a client must know", () => {
  const { schemas, responses, securitySchemes } = api31.components;
  expect(schemas.Id).toEqual({ type: "string", format: "uuid" });
  expect(schemas.PlaceOrder.additionalProperties).toBe(false);
  expect(schemas.PlaceOrder.properties.metadata).toMatchObject({ maxProperties: 50 });
  expect(schemas.Order).not.toHaveProperty("additionalProperties");
  expect(schemas.Order.properties.status).toEqual({ $ref: "#/components/schemas/Status" });
  expect(securitySchemes.bearer).toMatchObject({ type: "http", scheme: "bearer" });

  const list = api31.paths["/orders"].get;
  expect(list.parameters).toContainEqual({
    in: "query",
    name: "limit",
    schema: { type: "integer", minimum: 1, maximum: 100, default: 20 },
  });
  const status = (list.parameters as Json[]).find(({ name }) => String(name) === "status");
  expect(status.schema.enum).toEqual(expect.arrayContaining(["payment_required", "pending", "in-progress"]));

  const place = api31.paths["/orders"].post;
  expect(place.parameters).toContainEqual(
    expect.objectContaining({ in: "header", name: "idempotency-key", required: true }),
  );
  expect(place.requestBody).toMatchObject({
    required: true,
    content: { "application/json": { schema: { $ref: "#/components/schemas/PlaceOrder" } } },
  });
  expect(api31.paths["/orders/{id}/cancel"].post.requestBody.required).toBe(false);
  for (const wait of ["Problem429", "Problem503"])
    expect(responses[wait].headers["retry-after"]).toMatchObject({
      required: true,
      schema: { type: "integer", minimum: 1 },
    });
  for (const refusal of Object.values<Json>(responses))
    expect(Object.keys(refusal.content)).toEqual(["application/problem+json"]);
});

test("closed, its answers hold nothing that is not in the table", () => {
  const { schemas } = plain(openapi("1.2.3", { closed: true })).components;
  expect(schemas.Order.additionalProperties).toBe(false);
  expect(schemas.Problem.additionalProperties).toEqual({});
});

const meta = createRequire(import.meta.url)("@asyncapi/specs/schemas/3.0.0-without-$id.json") as object;

test("asyncapi.json is AsyncAPI 3.0, with every topic, its publisher and its hearers", () => {
  const ajv = new Ajv({ strict: false, allErrors: false });
  formats.default(ajv);
  const valid = ajv.compile(meta);
  valid(async30);
  expect(valid.errors).toBeNull();
  expect(Object.keys(async30.channels)).toEqual(Object.keys(events));
  const hearers = Object.values(topics).reduce((sum, { to }) => sum + to.length, 0);
  expect(Object.keys(async30.operations)).toHaveLength(Object.keys(events).length + hearers);
  for (const ref of JSON.stringify(async30).matchAll(/"\$ref":"#\/([^"]+)"/g))
    expect((ref[1] as string).split("/").reduce((part, name) => part[name], async30)).toBeDefined();
});

test("an event as the outbox sends it is valid against its channel, and one without its order is not", () => {
  const ajv = new Ajv({ strict: false });
  formats.default(ajv);
  const topic: Topic = "orders.delivered";
  const valid = ajv.compile({
    ...async30.components.messages[topic].payload,
    components: async30.components,
  });
  const id = "00000000-0000-4000-8000-000000000001";
  const data = { order_id: id, user_id: id, delivered_at: "2026-01-01T10:00:00.000Z" };
  const event = {
    specversion: "1.0",
    id: `orders.delivered:${id}`,
    source: "order",
    type: topic,
    subject: id,
    time: "2026-01-01T10:00:00.000Z",
    datacontenttype: "application/json",
    data,
  };
  expect([valid(event), valid.errors]).toEqual([true, null]);
  expect(valid({ ...event, data: { ...data, order_id: undefined } })).toBe(false);
  expect(valid({ ...event, type: "orders.paid" })).toBe(false);
});
