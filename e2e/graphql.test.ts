import { describe, expect, test } from "vitest";
import {
  must as answered,
  anyone,
  eventually,
  newCustomer,
  newProduct,
  type Person,
  reaches,
  sidecar,
  signedIn,
  stockOf,
  url,
} from "./support/system.js";

const [staff, admin, ada, bob] = await Promise.all([
  signedIn("staff"),
  signedIn("admin"),
  newCustomer(),
  newCustomer(),
]);
const { id: spoon, name } = await newProduct();

type Refusal = { path: string[]; extensions: { code: string; status: number; [extra: string]: unknown } };
type Result<T> = { data?: T | null; errors?: Refusal[] };

async function run<T = never>(who: Person, query: string, variables: object = {}): Promise<Result<T>> {
  const { status, body } = await who.call<Result<T>>("POST", "/graphql", { query, variables });
  expect(status).toBe(200);
  return body;
}
async function must<T>(who: Person, query: string, variables?: object): Promise<T> {
  const { data, errors } = await run<T>(who, query, variables);
  expect(errors).toBeUndefined();
  return data as T;
}
/** What is refused with which code; undefined when nothing is. */
const code = async (who: Person, query: string, variables?: object) =>
  (await run(who, query, variables)).errors?.map(({ extensions }) => extensions.code).join();

const placing = `mutation ($input: PlaceOrderInput!, $key: String!) {
  placeOrder(input: $input, idempotencyKey: $key) { id status total version }
}`;
type Placed = { placeOrder: { id: string; status: string; total: string; version: number } };
async function place(who: Person, paymentMethod?: string, key: string = crypto.randomUUID()) {
  const input = { items: [{ productId: spoon, quantity: 1 }], paymentMethod, metadata: { gift_for: "Bob" } };
  return (await must<Placed>(who, placing, { input, key })).placeOrder;
}

test("an order from placing to its end", async () => {
  const key = crypto.randomUUID();
  const { id, ...placed } = await place(ada, undefined, key);
  expect(placed).toMatchObject({ status: "payment_required", total: "22.00" });
  expect((await place(ada, undefined, key)).id).toBe(id);

  await must(ada, `mutation { payOrder(id: "${id}", paymentMethod: card_ok) { status } }`);
  await reaches(ada, id, "processing");
  const ship = `mutation {
    setStatus(id: "${id}", input: { status: shipped, trackingNumber: "T1", carrier: "C" }) {
      status shipment { trackingNumber shippedAt }
    }
  }`;
  expect(await code(ada, ship)).toBe("FORBIDDEN");
  expect(await must(staff, ship)).toMatchObject({
    setStatus: { status: "shipped", shipment: { trackingNumber: "T1", shippedAt: expect.any(String) } },
  });

  const whole = `{ order(id: "${id}") {
    id status total metadata customer { email } payment { status refund { status } }
    items { name price product { name stock { productId available } } }
    payments { method amount status refund { status } }
  } }`;
  const order = {
    ...{ id, status: "shipped", total: "22.00", metadata: { gift_for: "Bob" } },
    payment: { status: "succeeded", refund: null },
    items: [{ name, price: "22.00", product: { name, stock: { productId: spoon, available: expect.any(Number) } } }],
    payments: [{ method: "card_ok", amount: "22.00", status: "succeeded", refund: null }],
  };
  const customer = { email: ada.email };
  expect(await must(ada, whole)).toEqual({ order: { ...order, customer } });
  expect(await must(admin, whole)).toEqual({ order: { ...order, customer } });
  // As GET /users/{id}: an account is its owner's and the admins' to see.
  expect(await must(staff, whole)).toEqual({ order: { ...order, customer: null } });

  const remove = `mutation { removeOrder(id: "${id}") }`;
  expect([await code(ada, remove), await code(admin, remove)]).toEqual(["FORBIDDEN", "CONFLICT"]);
  await must(staff, `mutation { setStatus(id: "${id}", input: { status: delivered }) { status } }`);
  expect(await must(admin, remove)).toEqual({ removeOrder: true });
  expect(await code(ada, whole)).toBe("NOT_FOUND");
});

test("cancelling gives the goods back, and a refusal says what is possible instead", async () => {
  const before = await stockOf(spoon);
  const { id } = await place(ada);
  const cancel = `mutation { cancelOrder(id: "${id}", reason: "too many") { status cancelReason } }`;
  expect(await must(ada, cancel)).toEqual({ cancelOrder: { status: "cancelled", cancelReason: "too many" } });
  const after = await eventually(
    () => stockOf(spoon),
    ({ held }) => held === before.held,
  );
  expect(after).toEqual(before);
  const pay = await run(ada, `mutation { payOrder(id: "${id}", paymentMethod: card_ok) { id } }`);
  expect(pay).toMatchObject({
    data: { payOrder: null },
    errors: [
      { path: ["payOrder"], extensions: { code: "CONFLICT", status: 409, status_now: "cancelled", allowed: [] } },
    ],
  });
});

test("a change of an order that changed meanwhile is refused", async () => {
  const { id, version } = await place(ada);
  const change = `mutation ($input: ChangeOrderInput!, $version: Int) {
    changeOrder(id: "${id}", input: $input, ifMatch: $version) { customerNotes metadata version }
  }`;
  const input = { customerNotes: "ring twice", metadata: { gift_for: null, door: "left" } };
  const expected = { customerNotes: "ring twice", metadata: { door: "left" }, version: version + 1 };
  expect(await must(ada, change, { input, version })).toEqual({ changeOrder: expected });
  expect(await code(ada, change, { input: { customerNotes: null }, version })).toBe("PRECONDITION_FAILED");
});

describe("pages", () => {
  type Connection = {
    edges: { cursor: string; node: { id: string } }[];
    pageInfo: { hasNextPage: boolean; endCursor: string | null };
  };
  const page = `query ($first: Int, $after: String) {
    orders(first: $first, after: $after) { edges { cursor node { id } } pageInfo { hasNextPage endCursor } }
  }`;
  const ordersOf = async (who: Person, first: number, after?: string | null) =>
    (await must<{ orders: Connection }>(who, page, { first, after })).orders;
  const idsOf = ({ edges }: Connection) => edges.map(({ node }) => node.id);

  test("go on after their end and after any edge, as REST's do", async () => {
    for (let n = 0; n < 4; n++) await place(bob);
    const expected = (await answered(bob.orders())).items.map(({ id }) => id);
    const first = await ordersOf(bob, 2);
    expect(first.pageInfo).toEqual({ hasNextPage: true, endCursor: first.edges[1]?.cursor });
    const second = await ordersOf(bob, 2, first.pageInfo.endCursor);
    expect([...idsOf(first), ...idsOf(second)]).toEqual(expected);
    expect(second.pageInfo.hasNextPage).toBe(false);
    expect(idsOf(await ordersOf(bob, 3, first.edges[0]?.cursor))).toEqual(expected.slice(1));
    expect(idsOf(await ordersOf(bob, 3, second.pageInfo.endCursor))).toEqual([]);
  });

  test("of products, timelines and notifications too", async () => {
    const { id } = await place(ada, "card_ok");
    await reaches(ada, id, "processing");
    const lists = ["products(", "notifications(", `timeline(orderId: "${id}", `];
    const one = (list: string, after = "") =>
      must<{ list: Connection }>(ada, `{ list: ${list}first: 1${after}) { edges { cursor node { __typename } } } }`);
    for (const list of lists) {
      const [first] = (await one(list)).list.edges;
      const [second] = (await one(list, `, after: "${first?.cursor}"`)).list.edges;
      expect([list, second?.cursor]).not.toEqual([list, undefined]);
      expect(second?.cursor).not.toBe(first?.cursor);
    }
  });

  test("a cursor or a size that is none is BAD_USER_INPUT", async () => {
    for (const variables of [{ after: "abc" }, { first: 0 }, { first: 101 }])
      expect(await code(ada, page, variables)).toBe("BAD_USER_INPUT");
  });
});

describe("who may", async () => {
  const { id } = await place(ada);
  const yes = undefined;
  test.each([
    [`{ order(id: "${id}") { id } }`, "UNAUTHENTICATED", yes, "NOT_FOUND", yes],
    [`{ payments(orderId: "${id}") { paymentId } }`, "UNAUTHENTICATED", yes, "NOT_FOUND", yes],
    [`{ timeline(orderId: "${id}") { edges { cursor } } }`, "UNAUTHENTICATED", yes, "NOT_FOUND", yes],
    ["{ orders { edges { cursor } } }", "UNAUTHENTICATED", yes, yes, yes],
    [`{ ordersOfCustomer(customerId: "${ada.id}") { edges { cursor } } }`, "UNAUTHENTICATED", yes, "FORBIDDEN", yes],
    [`{ user(id: "${ada.id}") { email } }`, "UNAUTHENTICATED", yes, "NOT_FOUND", "NOT_FOUND"],
    ["{ me { email } }", "UNAUTHENTICATED", yes, yes, yes],
    ["{ products { edges { node { name stock { held } } } } }", yes, yes, yes, yes],
    [`{ stock(productId: "${spoon}") { available } }`, yes, yes, yes, yes],
    [
      `mutation { setRoles(id: "${ada.id}", roles: [admin]) { id } }`,
      "UNAUTHENTICATED",
      "FORBIDDEN",
      "FORBIDDEN",
      "FORBIDDEN",
    ],
    [
      `mutation { setStock(productId: "${spoon}", onHand: -1) { held } }`,
      "UNAUTHENTICATED",
      "FORBIDDEN",
      "FORBIDDEN",
      "BAD_USER_INPUT",
    ],
    [`mutation { cancelOrder(id: "${id}") { status } }`, "UNAUTHENTICATED", yes, "NOT_FOUND", yes],
  ])("%s: nobody, owner, other, staff", async (query, ...expected) => {
    const found = [];
    for (const who of [anyone, ada, bob, staff]) found.push(await code(who, query));
    expect(found).toEqual(expected);
  });

  test("a token that is none of ours opens nothing", async () => {
    const forged = {
      ...ada,
      call: ((...[method, path, body]: Parameters<Person["call"]>) =>
        anyone.call(method, path, body, { authorization: "Bearer x.y.z" })) as Person["call"],
    };
    expect(await code(forged, `{ order(id: "${id}") { id customer { email } payments { amount } } }`)).toBe(
      "UNAUTHENTICATED",
    );
  });

  test("what services are asked for a whole page, they answer to who may see it", async () => {
    const ask = async (path: string, body: object, authorization: string) => {
      const response = await sidecar("api-gateway", `/v1.0/invoke${path}`, body, { authorization });
      return { status: response.status, body: (await response.json()) as { payments: unknown[]; users: unknown[] } };
    };
    const as = (who: Person) => `Bearer ${who.token}`;
    const paid = await place(ada, "card_declined");
    await reaches(ada, paid.id, "payment_failed");
    const payments = (authorization: string) =>
      ask("/payment/method/rpc/payments", { order_ids: [paid.id] }, authorization);
    for (const [who, count] of [
      [ada, 1],
      [bob, 0],
      [staff, 1],
    ] as const)
      expect((await payments(as(who))).body.payments).toHaveLength(count);
    expect((await payments("none")).status).toBe(401);

    const users = (authorization: string) =>
      ask("/user/method/rpc/users", { user_ids: [ada.id, bob.id] }, authorization);
    for (const [who, count] of [
      [ada, 1],
      [staff, 0],
      [admin, 2],
    ] as const)
      expect((await users(as(who))).body.users).toHaveLength(count);
    expect((await users("none")).status).toBe(401);
  });

  test("signing up and in", async () => {
    const email = `${crypto.randomUUID()}@example.org`;
    const up = "mutation ($input: SignUpInput!) { signUp(input: $input) { email roles createdAt } }";
    const input = { email, password: "long enough", name: "Eve" };
    expect(await must(anyone, up, { input })).toMatchObject({ signUp: { email, roles: ["customer"] } });
    expect(await code(anyone, up, { input })).toBe("CONFLICT");
    const signIn = (password: string) =>
      `mutation { signIn(email: "${email}", password: "${password}") { tokenType } }`;
    expect(await must(anyone, signIn("long enough"))).toEqual({ signIn: { tokenType: "Bearer" } });
    expect(await code(anyone, signIn("wrong"))).toBe("UNAUTHENTICATED");
  });
});

describe("what is refused", () => {
  test("bad input, by field", async () => {
    const input = { items: [{ productId: spoon, quantity: 0 }] };
    expect(await run(ada, placing, { input, key: "k" })).toMatchObject({
      data: { placeOrder: null },
      errors: [{ extensions: { code: "BAD_USER_INPUT", status: 422, errors: [{ field: "items.0.quantity" }] } }],
    });
    expect(await code(ada, placing, { input: {}, key: "k" })).toBe("BAD_USER_INPUT");
    expect(await code(ada, placing, { input, key: "" })).toBe("BAD_USER_INPUT");
  });

  test("a question too deep", async () => {
    const deep = `{ __type(name: "Order") ${"{ ofType ".repeat(9)} { name } ${"}".repeat(9)} }`;
    expect(await code(anyone, deep)).toBe("QUERY_TOO_COMPLEX");
  });

  test("a question too often, of which nothing is done", async () => {
    const eve = await newCustomer();
    const one = (n: number) =>
      `o${n}: placeOrder(input: { items: [{ productId: "${spoon}", quantity: 1 }] }, idempotencyKey: "${n}") { id }`;
    const many = (times: number) => `mutation { ${Array.from({ length: times }, (_, n) => one(n)).join(" ")} }`;
    expect(await code(eve, many(16))).toBe("QUERY_TOO_COMPLEX");
    expect((await answered(eve.orders())).items).toEqual([]);
    await must(eve, many(2));
    expect((await answered(eve.orders())).items).toHaveLength(2);
  });

  test("large bodies, batches and other types", async () => {
    const post = async (body: unknown, type = "application/json") =>
      (await anyone.call("POST", "/graphql", body, { "content-type": type })).status;
    const query = "{ __typename }";
    expect(await post({ query })).toBe(200);
    expect(await post({ query, variables: { a: "x".repeat(256 * 1024) } })).toBe(413);
    expect(await post([{ query }])).toBe(422);
    expect(await post(query, "text/plain")).toBe(415);
  });
});

test("a subscription tells an order's story from its beginning while it happens, and to others that there is none", async () => {
  const { id } = await place(ada);
  const query = `subscription { orderEvents(orderId: "${id}") { seq status } }`;
  const subscribe = (who: Person) =>
    fetch(`${url}/graphql?query=${encodeURIComponent(query)}`, {
      headers: { accept: "text/event-stream", ...(who.token && { authorization: `Bearer ${who.token}` }) },
      signal: AbortSignal.timeout(40_000),
    });
  expect(await (await subscribe(bob)).text()).toContain('"code":"NOT_FOUND"');
  expect(await (await subscribe(anyone)).text()).toContain('"code":"UNAUTHENTICATED"');

  const { body } = await subscribe(ada);
  let text = "";
  for await (const chunk of body as ReadableStream<Uint8Array>) {
    if (text === "") await must(ada, `mutation { payOrder(id: "${id}", paymentMethod: card_ok) { status } }`);
    text += Buffer.from(chunk).toString();
    if (text.includes('"processing"')) break;
  }
  const seqs = [...text.matchAll(/"seq":(\d+)/g)].map(([, seq]) => Number(seq));
  expect(seqs.length).toBeGreaterThan(3);
  expect(seqs).toEqual(seqs.map((_, n) => n + 1));
  expect(text).toContain('"payment_required"');
});
