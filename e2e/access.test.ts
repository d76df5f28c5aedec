import { describe, expect, test } from "vitest";
import type { Client } from "../client/client.js";
import { type Api, api, type Who } from "../contracts/api.js";
import { anyone, must, newCustomer, newProduct, type Person, place, signedIn, url } from "./support/system.js";

// Every route of the table as each kind of caller: who is refused, and how.

const owner = await newCustomer();
const people = {
  nobody: anyone,
  "another customer": await newCustomer(),
  staff: await signedIn("staff"),
  admin: await signedIn("admin"),
  "the customer": owner,
} satisfies Record<string, Person>;
type Caller = keyof typeof people;
const callers = Object.keys(people) as Caller[];

const noToken = { nobody: 401 };
/** The status each caller is refused with; who is not named is answered. */
const refusals: Record<Who, { [C in Caller]?: number }> = {
  anyone: {},
  "signed-in": noToken,
  customer: { ...noToken, staff: 403, admin: 403 },
  owner: { ...noToken, "another customer": 404, staff: 403, admin: 403 },
  "owner or staff": { ...noToken, "another customer": 404 },
  "that customer or staff": { ...noToken, "another customer": 403 },
  "self or admin": { ...noToken, "another customer": 404, staff: 404 },
  staff: { ...noToken, "another customer": 403, "the customer": 403 },
  admin: { ...noToken, "another customer": 403, "the customer": 403, staff: 403 },
};

const { id: product_id } = await newProduct();
/** An order of its own for each call, so that no call changes what the next one meets. */
const order = async () => ({ params: { id: (await place(owner, product_id)).body.id } });
const key = () => ({ "idempotency-key": crypto.randomUUID() });
const someBody = { name: "For the table", price: "1.00", currency: "EUR" };

const paidOrder = (await place(owner, product_id, 1, "card_ok")).body.id;
const payment = async () => {
  for (;;) {
    const answer = await owner.payments({ params: { id: paidOrder } });
    const id = answer.ok && answer.body.items[0]?.payment_id;
    if (id) return { params: { id } };
    await new Promise((resume) => setTimeout(resume, 50));
  }
};
const someProduct = async () => {
  const admin: Person = people.admin;
  return { params: { id: (await must(admin.addProduct({ body: someBody }))).id } };
};
const noDeadLetter = { params: { service: "order" as const, id: "none" } };

type Calls = Exclude<keyof Api, "orderEvents" | "docs">;
type Input<K extends Calls> = Parameters<Client[K]>[0];
const calls: { [K in Calls]: () => Input<K> | Promise<Input<K>> } = {
  signUp: () => ({ body: { email: `${crypto.randomUUID()}@example.org`, password: "long enough", name: "N" } }),
  signIn: () => ({ body: { email: owner.email, password: owner.password } }),
  keys: () => undefined,
  me: () => undefined,
  changeMe: () => ({ body: {} }),
  user: () => ({ params: { id: owner.id } }),
  setRoles: () => ({ params: { id: owner.id }, body: { roles: ["customer"] } }),
  products: () => undefined,
  product: () => ({ params: { id: product_id } }),
  addProduct: () => ({ body: someBody }),
  changeProduct: async () => ({ ...(await someProduct()), body: someBody }),
  removeProduct: someProduct,
  placeOrder: () => ({ headers: key(), body: { items: [{ product_id, quantity: 1 }] } }),
  orders: () => undefined,
  ordersOfCustomer: () => ({ params: { customer_id: owner.id } }),
  order,
  orderAlias: order,
  timeline: order,
  changeOrder: async () => ({ ...(await order()), body: { customer_notes: "n" } }),
  setStatus: async () => ({ ...(await order()), body: { status: "cancelled" } }),
  cancelOrder: async () => ({ ...(await order()), body: {} }),
  payOrder: async () => ({ ...(await order()), body: { payment_method: "card_ok" } }),
  removeOrder: order,
  payments: () => ({ params: { id: paidOrder } }),
  payment,
  recordRefund: async () => ({ ...(await payment()), body: { reference: "none" } }),
  stock: () => ({ params: { product_id } }),
  setStock: () => ({ params: { product_id }, body: { on_hand: 1_000 } }),
  notifications: () => undefined,
  deadLetters: () => undefined,
  deadLetter: () => noDeadLetter,
  redrive: () => noDeadLetter,
  discard: () => noDeadLetter,
  reconciliation: () => undefined,
  reconcile: () => undefined,
  graphql: () => ({ body: { query: "{ __typename }" } }),
  graphqlByGet: () => ({ query: { query: "{ __typename }" } }),
  openapi: () => undefined,
  asyncapi: () => undefined,
};
/** What an allowed caller may meet instead of a success: the thing is not there, or not in that state. */
const notToday: { [K in Calls]?: number } = {
  removeOrder: 409,
  recordRefund: 409,
  deadLetter: 404,
  redrive: 404,
  discard: 404,
};

describe.each(Object.keys(calls) as Calls[])("%s", (name) => {
  test.each(callers)("%s", async (caller) => {
    const call = people[caller][name] as (input?: object) => Promise<{ status: number }>;
    const { status } = await call((await calls[name]()) as object | undefined);
    const refusal = refusals[api[name].who][caller];
    if (refusal) expect(status).toBe(refusal);
    else expect([...Object.keys(api[name].answers).map(Number), notToday[name]]).toContain(status);
  });
});

test.each(callers)("orderEvents %s", async (caller) => {
  const { params } = await order();
  const { token } = people[caller];
  const leaves = new AbortController();
  const { status } = await fetch(`${url}/orders/${params.id}/events`, {
    headers: token ? { authorization: `Bearer ${token}` } : {},
    signal: leaves.signal,
  });
  leaves.abort();
  expect(status).toBe(refusals["owner or staff"][caller] ?? 200);
});

test("staff's words are staff's: a customer may set no status but cancelled, and no offset", async () => {
  const { params } = await order();
  expect((await owner.setStatus({ params, body: { status: "delivered" } })).status).toBe(403);
  expect((await owner.orders({ query: { offset: 0 } })).status).toBe(403);
});
