import { expect, test } from "vitest";
import { asyncapi } from "../contracts/asyncapi.js";
import { openapi } from "../contracts/openapi.js";
import { type AsyncApi, breaksOfApi, breaksOfEvents, mayBreak, type OpenApi } from "./breaks.js";

// Each change is made to a copy of the real documents.

// biome-ignore lint/suspicious/noExplicitAny: the copies are changed at places that only the test knows.
type Loose = any;
const copy = (document: object): Loose => JSON.parse(JSON.stringify(document));
const [api, events] = [copy(openapi("0.1.0")), copy(asyncapi("0.1.0"))];

function changed(change: (document: Loose) => unknown, before: (document: Loose) => unknown = () => {}): string[] {
  const [old, young] = [copy(api), copy(api)];
  before(old);
  change(young);
  return breaksOfApi(old as OpenApi, young as OpenApi);
}
function changedEvents(change: (document: Loose) => unknown): string[] {
  const young = copy(events);
  change(young);
  return breaksOfEvents(events as AsyncApi, young as AsyncApi);
}
const place = (document: Loose) => document.paths["/orders"].post;
const schema = (document: Loose, name: string) => document.components.schemas[name];

test("the same documents break nothing", () => {
  expect([...changed(() => {}), ...changedEvents(() => {})]).toEqual([]);
});

test.each<[string, (document: Loose) => unknown, string[]]>([
  ["a removed route", (d) => delete d.paths["/notifications"], ["GET /notifications is gone"]],
  [
    "a new required field in a request",
    (d) => schema(d, "PayOrder").required.push("cvc"),
    ["POST /orders/{id}/payments takes less: cvc must be there"],
  ],
  [
    "a removed answer field",
    (d) => {
      delete schema(d, "Stock").properties.held;
      schema(d, "Stock").required = ["product_id", "on_hand", "available", "reserved"];
    },
    [
      "GET /inventory/{product_id} no longer promises in 200: held must be there",
      "PUT /inventory/{product_id} no longer promises in 200: held must be there",
    ],
  ],
  [
    "a request field that is no longer known",
    (d) => delete schema(d, "PlaceOrder").properties.customer_notes,
    ["POST /orders takes less: customer_notes may not be there"],
  ],
  [
    "a word that is no longer understood",
    (d) => place(d).requestBody && schema(d, "PaymentMethod").enum.shift(),
    [
      'POST /orders takes less: payment_method is never "card_ok"',
      'POST /orders/{id}/payments takes less: payment_method is never "card_ok"',
    ],
  ],
  [
    "a smaller limit",
    (d) => (schema(d, "PlaceOrder").properties.items.maxItems = 9),
    ["POST /orders takes less: items has the maxItems 9"],
  ],
  [
    "a new required header",
    (d) => place(d).parameters.push({ in: "header", name: "x-shop", required: true, schema: {} }),
    ["POST /orders now wants the header parameter x-shop"],
  ],
  [
    "a removed parameter",
    (d) => d.paths["/products"].get.parameters.pop(),
    ["GET /products no longer takes the query parameter q"],
  ],
  [
    "a token that is wanted now",
    (d) => (d.paths["/products"].get.security = [{ bearer: [] }]),
    ["GET /products now wants a token"],
  ],
  ["another status of success", (d) => delete place(d).responses["201"], ["POST /orders no longer answers 201"]],
  [
    "a removed header of an answer",
    (d) => delete place(d).responses["201"].headers.location,
    ["POST /orders no longer promises in 201: the header location"],
  ],
  [
    "an answer field that may be null now",
    (d) => (schema(d, "User").properties.name.type = ["string", "null"]),
    ["GET /users/me", "PATCH /users/me", "GET /users/{id}", "PUT /users/{id}/roles"].map(
      (route) => `${route} no longer promises in 200: name is string, not null`,
    ),
  ],
  [
    "another type",
    (d) => (schema(d, "SetStock").properties.on_hand.type = "string"),
    ["PUT /inventory/{product_id} takes less: on_hand is string, not integer"],
  ],
])("%s breaks", (_, change, breaks) => {
  expect(changed(change)).toEqual(expect.arrayContaining(breaks));
  expect(changed(change).filter((found) => !breaks.includes(found) && !found.startsWith("POST /users "))).toEqual([]);
});

test("what only adds breaks nothing", () => {
  const added = changed((d) => {
    d.paths["/news"] = d.paths["/products"];
    schema(d, "Order").properties.gift = { type: "boolean" };
    schema(d, "Order").required.push("gift");
    schema(d, "PlaceOrder").properties.gift = { type: "boolean" };
    schema(d, "PaymentMethod").enum.push("card_gold");
    schema(d, "PlaceOrder").properties.items.maxItems = 1000;
    d.paths["/products"].get.parameters.push({ in: "query", name: "sort", schema: { type: "string" } });
    schema(d, "User").properties.country = { anyOf: [{ type: "string" }, { type: "null" }] };
  });
  expect(added).toEqual([]);
});

test.each<[string, (document: Loose) => unknown, string[]]>([
  ["a removed topic", (d) => delete d.channels["orders.paid"], ["orders.paid is gone"]],
  [
    "a removed field",
    (d) => {
      delete d.components.schemas["orders.delivered"].properties.delivered_at;
      d.components.schemas["orders.delivered"].required = ["order_id", "user_id"];
    },
    ["orders.delivered no longer promises: data.delivered_at must be there"],
  ],
  [
    "a new required field",
    (d) => d.components.schemas["orders.created"].required.push("shop"),
    ["orders.created takes less: data.shop must be there"],
  ],
])("%s of the events breaks", (_, change, breaks) => {
  expect(changedEvents(change)).toEqual(breaks);
});

test("a new topic and a new optional field break nothing", () => {
  const added = changedEvents((d) => {
    d.channels["orders.returned"] = d.channels["orders.paid"];
    d.components.schemas["orders.paid"].properties.note = { type: "string" };
  });
  expect(added).toEqual([]);
});

test("a break wants a new major version, before 1.0 a new minor one", () => {
  const pairs = [
    ["0.1.0", "0.1.9"],
    ["0.1.0", "0.2.0"],
    ["0.9.0", "1.0.0"],
    ["1.2.0", "1.3.0"],
    ["1.2.0", "2.0.0"],
  ] as const;
  expect(pairs.map(([from, to]) => mayBreak(from, to))).toEqual([false, true, true, false, true]);
});
