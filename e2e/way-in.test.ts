import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { generateKeyPair, importJWK, type JWK, SignJWT } from "jose";
import { describe, expect, test } from "vitest";
import {
  anyone,
  atOnce,
  type Person,
  place,
  processes,
  product,
  reaches,
  signedIn,
  statementOf,
  stockOf,
  url,
  withToken,
} from "./support/system.js";

const [ada, bob, staff] = await Promise.all([signedIn("ada"), signedIn("bob"), signedIn("staff")]);
const cup = product(0).id;
const order = (await place(ada, cup)).body;
const unknown = "00000000-0000-4000-8000-00000000ffff";

const jwks = JSON.parse(
  JSON.parse(readFileSync(join(process.env.E2E_DIR as string, "secrets.json"), "utf8")).userJwtKeys,
) as {
  keys: (JWK & { kid: string })[];
};
const ours = jwks.keys[0] as JWK & { kid: string };

/** A token as the user service would sign it, but for what is given. */
async function signed(over: {
  issuer?: string;
  audience?: string;
  expires?: number;
  key?: Parameters<SignJWT["sign"]>[0];
}) {
  const { issuer = "orders", audience = "orders-api", expires = 3600, key } = over;
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ roles: ["customer"] })
    .setProtectedHeader({ alg: "EdDSA", kid: ours.kid })
    .setSubject(order.user_id)
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt(now - 7200)
    .setExpirationTime(now + expires)
    .sign(key ?? (await importJWK(ours, "EdDSA")));
}

function forgeries(): Record<string, () => Promise<string>> {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { sub: order.user_id, roles: ["admin"], iss: "orders", aud: "orders-api", exp: 4_000_000_000 };
  const hs256 = () => {
    const head = `${part({ alg: "HS256", kid: ours.kid })}.${part(claims)}`;
    return `${head}.${createHmac("sha256", Buffer.from(ours.x as string, "base64url"))
      .update(head)
      .digest("base64url")}`;
  };
  return {
    nonsense: async () => "x.y.z",
    "unsigned (alg none)": async () => `${part({ alg: "none" })}.${part(claims)}.`,
    "signed with our public key as HS256 secret": async () => hs256(),
    "signed with another key": async () => signed({ key: (await generateKeyPair("EdDSA")).privateKey }),
    expired: () => signed({ expires: -60 }),
    "for another audience": () => signed({ audience: "elsewhere" }),
    "from another issuer": () => signed({ issuer: "elsewhere" }),
    "ours with other claims": async () => {
      const [head, , signature] = (await signed({})).split(".");
      return `${head}.${part(claims)}.${signature}`;
    },
  };
}

describe("who may", () => {
  const ask = async (who: Person, method: string, path: string, body?: unknown) =>
    (await who.call(method, path, body, { "idempotency-key": crypto.randomUUID() })).status;

  test.each([
    ["GET", `/orders/${unknown}`, undefined, [401, 404, 404, 404]],
    [
      "PUT",
      `/orders/${order.id}/status`,
      { status: "shipped", tracking_number: "T", carrier: "C" },
      [401, 403, 404, 409],
    ],
    ["GET", `/payments/${unknown}`, undefined, [401, 404, 404, 404]],
    ["POST", `/payments/${unknown}/refunds`, { reference: "r" }, [401, 403, 403, 404]],
    ["POST", `/orders/${order.id}/payments`, { payment_method: "card_declined" }, [401, 202, 404, 403]],
    ["POST", `/orders/${unknown}/cancel`, {}, [401, 404, 404, 404]],
    ["GET", "/no/such/path", undefined, [404, 404, 404, 404]],
    ["GET", "/proof/processes", undefined, [404, 404, 404, 404]],
    ["POST", "/proof/processes/payment/kill", undefined, [404, 404, 404, 404]],
  ])("%s %s: nobody, owner, other, staff", async (method, path, body, expected) => {
    const statuses = [];
    for (const who of [anyone, ada, bob, staff]) statuses.push(await ask(who, method, path, body));
    expect(statuses).toEqual(expected);
  });

  test.each(Object.entries(forgeries()))("a token that is %s opens nothing", async (_, forge) => {
    const token = await forge();
    for (const path of [
      "/orders",
      `/orders/${order.id}`,
      "/users/me",
      "/notifications",
      `/orders/${order.id}/payments`,
    ])
      expect((await withToken(token).call("GET", path)).status).toBe(401);
  });

  test("one that we signed ourselves does open: so the refusals above are about what was forged", async () => {
    const token = await signed({});
    expect((await withToken(token).call("GET", `/orders/${order.id}`)).status).toBe(200);
  });

  test("identity headers of a client are not believed", async () => {
    const headers = { "x-user-id": order.user_id, "dapr-caller-app-id": "order", "x-roles": "admin" };
    expect((await bob.call("GET", `/orders/${order.id}`, undefined, headers)).status).toBe(404);
  });
});

describe("sign-up", () => {
  test("makes a customer, whatever the body says; an address is taken once", async () => {
    const email = `eve-${Date.now()}@example.com`;
    const request = { email, password: "long enough", name: "Eve" };
    const created = await anyone.call("POST", "/users", request);
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ email, roles: ["customer"] });
    expect(JSON.stringify(created.body)).not.toMatch(/password|scrypt/);
    expect((await anyone.call("POST", "/users", { ...request, email: email.toUpperCase() })).status).toBe(409);
    expect((await anyone.call("POST", "/users", { ...request, email: `x${email}`, roles: ["admin"] })).status).toBe(
      422,
    );

    const token = await anyone.call<{ access_token: string }>("POST", "/auth/token", {
      email,
      password: request.password,
    });
    expect((await withToken(token.body.access_token).call("GET", "/users/me")).body).toMatchObject({
      email,
      name: "Eve",
    });
  });

  test("both mistakes at the door read the same", async () => {
    const wrong = await anyone.call("POST", "/auth/token", { email: "ada@orders.local", password: "wrong" });
    const nobody = await anyone.call("POST", "/auth/token", { email: "nobody@orders.local", password: "wrong" });
    expect([wrong.status, nobody.status]).toEqual([401, 401]);
    expect(wrong.body).toEqual(nobody.body);
  });
});

test.each([
  ["HEAD", "/orders/{}/events"],
  ["HEAD", "/graphql?query=subscription%7BorderEvents(orderId:%22{}%22)%7Bseq%7D%7D"],
])("%s %s neither holds nor breaks anything", async (method, path) => {
  const { pid } = (await processes.processes()).find(({ name }) => name === "api-gateway") as { pid: number };
  for (let n = 0; n < 25; n++) {
    const headers = { authorization: `Bearer ${ada.token}`, accept: "text/event-stream" };
    const answer = await fetch(url + path.replace("{}", order.id), { method, headers });
    expect(answer.status).toBeLessThan(500);
  }
  expect((await processes.processes()).find(({ name }) => name === "api-gateway")?.pid).toBe(pid);
  expect((await ada.order({ params: { id: order.id } })).status).toBe(200);
});

test.each([
  ["GET", "/products/abc", undefined, 404],
  ["POST", "/auth/token", { email: "ada@orders.local", password: "wrong" }, 401],
  ["GET", `/orders/${crypto.randomUUID()}`, undefined, 404],
  ["GET", "/admin/reconciliation", undefined, 403],
])("%s %s is refused as always, whatever the client accepts", async (method, path, body, status) => {
  expect((await ada.call(method, path, body, { accept: "text/event-stream" })).status).toBe(status);
});

describe("Idempotency-Key", () => {
  test("20 clients at once with one key: one order, one 201, one charge, one hold", async () => {
    const { id } = product(5);
    const before = await stockOf(id);
    const key = crypto.randomUUID();
    const answers = await atOnce(Array.from({ length: 20 }), 20, () => place(ada, id, 1, "card_ok", key));
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(19).fill(200), 201]);
    const ids = new Set(answers.map(({ body }) => body.id));
    expect(ids.size).toBe(1);
    const [only] = ids;
    await reaches(ada, only as string, "processing");
    expect((await statementOf(only as string)).charges).toHaveLength(1);
    expect(await stockOf(id)).toMatchObject({ on_hand: before.on_hand - 1, held: before.held });
  });

  test("a body is compared by what it says, not by how it is spelled", async () => {
    const headers = { "idempotency-key": crypto.randomUUID() };
    const lines = (quantity: string) => `"items":[{"quantity":${quantity},"product_id":"${cup.toUpperCase()}"}]`;
    const first = await ada.call<{ id: string }>(
      "POST",
      "/orders",
      `{${lines("1")},"metadata":{"a":"1","b":"2"}}`,
      headers,
    );
    const again = await ada.call<{ id: string }>(
      "POST",
      "/orders",
      `{"metadata":{"b":"2", "a":"1"}, ${lines("1.0")}}`,
      headers,
    );
    expect([first.status, again.status, again.body.id]).toEqual([201, 200, first.body.id]);
  });

  test("a refusal is not remembered: the same request may succeed later", async () => {
    const { id, stock } = product(11);
    const key = crypto.randomUUID();
    await staff.call("PUT", `/inventory/${id}`, { on_hand: 0 });
    expect((await place(ada, id, 1, undefined, key)).status).toBe(409);
    await staff.call("PUT", `/inventory/${id}`, { on_hand: stock });
    expect((await place(ada, id, 1, undefined, key)).status).toBe(201);
  });

  test("a command's key counts for its body too; a cancel needs no body", async () => {
    const { body } = await place(bob, cup, 1, "card_declined");
    await reaches(bob, body.id, "payment_failed");
    const headers = { "idempotency-key": "pay again" };
    const pay = (payment_method: string) =>
      bob.call("POST", `/orders/${body.id}/payments`, { payment_method }, headers);
    expect([(await pay("card_declined")).status, (await pay("card_declined")).status]).toEqual([202, 202]);
    expect((await pay("card_ok")).status).toBe(422);
    await reaches(bob, body.id, "payment_failed");
    expect((await statementOf(body.id)).charges).toHaveLength(2);
    expect((await bob.call("POST", `/orders/${body.id}/cancel`)).status).toBe(200);
  });

  test("a body that is far too large is refused at once, and the next request is served", async () => {
    for (let n = 0; n < 5; n++) {
      const answer = await anyone.call("POST", "/users", `"${"x".repeat(3_000_000)}"`);
      expect(answer.status).toBe(413);
      expect((await anyone.call("GET", "/products?limit=1")).status).toBe(200);
    }
  });

  test("a key has 1 to 255 characters", async () => {
    const statuses = [];
    for (const key of ["", "k".repeat(255), "k".repeat(256)])
      statuses.push((await place(bob, cup, 1, undefined, key)).status);
    expect(statuses).toEqual([400, 201, 400]);
  });

  test("a command needs none, but one that is none is refused", async () => {
    const { body } = await place(bob, cup);
    const cancel = (headers: Record<string, string>) => bob.call("POST", `/orders/${body.id}/cancel`, {}, headers);
    const statuses = [];
    for (const headers of [{ "idempotency-key": "" }, { "idempotency-key": "k".repeat(256) }, {}])
      statuses.push((await cancel(headers as Record<string, string>)).status);
    expect(statuses).toEqual([400, 400, 200]);
  });

  test("the same key with another body is refused; another customer's key is another order", async () => {
    const key = crypto.randomUUID();
    const first = await place(ada, cup, 1, undefined, key);
    expect((await place(ada, cup, 2, undefined, key)).status).toBe(422);
    const other = await place(bob, cup, 1, undefined, key);
    expect([other.status, other.body.id === first.body.id]).toEqual([201, false]);
  });
});

describe("bad input is the client's: a clear problem, nothing stored", () => {
  const key = { "idempotency-key": "bad-input" };
  const line = { product_id: cup, quantity: 1 };
  test.each<[string, unknown, Record<string, string>, number]>([
    ["no key", { items: [line] }, {}, 400],
    ["not JSON", "{", key, 400],
    ["not application/json", "a=b", { ...key, "content-type": "text/plain" }, 415],
    ["no items", { items: [] }, key, 422],
    ["an unknown field", { items: [line], total: "0.01" }, key, 422],
    ["a quantity of a half", { items: [{ ...line, quantity: 0.5 }] }, key, 422],
    ["a negative quantity", { items: [{ ...line, quantity: -1 }] }, key, 422],
    ["an unknown product", { items: [{ ...line, product_id: unknown }] }, key, 422],
    ["101 lines", { items: Array(101).fill(line) }, key, 422],
    ["a currency it is not sold in", { items: [line], currency: "JPY" }, key, 422],
    ["an unknown payment method", { items: [line], payment_method: "gold" }, key, 422],
    ["null", "null", key, 422],
    ["a NUL character", { items: [line], customer_notes: "a\u0000b" }, key, 422],
    ["too many of one product, in two lines", { items: [{ ...line, quantity: 10_000 }, line] }, key, 422],
    ["very deep", `{"items":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, key, 422],
    ["a key that is not ASCII", { items: [line] }, { "idempotency-key": "\u00e9" }, 400],
    ["too much", { items: [line], customer_notes: "x".repeat(300_000) }, key, 413],
  ])("%s", async (_, body, headers, status) => {
    const answer = await ada.call<{ status: number; detail: string }>("POST", "/orders", body, headers);
    expect(answer.body).toMatchObject({ status });
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json/);
  });

  test.each<[string, string, unknown, number]>([
    ["PUT", `/orders/${order.id}/status`, { status: "lost" }, 422],
    ["PUT", `/orders/${order.id}/status`, { status: "processing" }, 409],
    ["PUT", `/orders/${order.id}/status`, { status: "shipped" }, 422],
    ["PUT", `/orders/${order.id}/status`, { status: "paid" }, 422],
    ["PUT", `/orders/${order.id}/status`, [], 422],
    ["POST", `/orders/${order.id}/cancel`, { reason: 7 }, 422],
    ["POST", `/orders/${order.id}/payments`, { payment_method: "card_ok", amount: "0.01" }, 422],
    ["PUT", `/inventory/${product(11).id}`, { on_hand: -1 }, 422],
    ["PUT", `/inventory/${product(11).id}`, { on_hand: 1.5 }, 422],
    ["PUT", "/inventory/none", { on_hand: 1 }, 422],
    ["POST", "/users", { email: "no address", password: "long enough", name: "X" }, 422],
    ["POST", "/users", { email: "a@b.example", password: "short", name: "X" }, 422],
    ["POST", "/auth/token", { email: "a\u0000@b.example", password: "x" }, 422],
    ["POST", "/auth/token", "null", 422],
    ["POST", "/auth/token", { email: "a||b", password: "x" }, 401],
    ["POST", "/users", `${"[".repeat(100_000)}${"]".repeat(100_000)}`, 422],
    ["GET", "/products?q=%00", undefined, 400],
    ["GET", "/products?limit=0", undefined, 400],
    ["GET", "/products/%E0%A4%A", undefined, 404],
    ["GET", "/orders/%00", undefined, 404],
    ["GET", "/products/..%2f..%2frpc%2fproducts", undefined, 404],
    ["GET", "/products/%2e%2e/rpc/products", undefined, 404],
    ["DELETE", "/products", undefined, 405],
  ])("%s %s with %j: %i", async (method, path, body, status) => {
    const answer = await staff.call<{ status: number }>(method, path, body);
    expect(answer.body).toMatchObject({ status });
    expect(answer.status).toBe(status);
  });

  test("a bad cursor or limit is 400, a wrong status word too", async () => {
    for (const query of ["cursor=abc", "limit=0", "limit=101", "limit=x", "status=lost"])
      expect((await ada.call("GET", `/orders?${query}`)).status).toBe(400);
  });
});

describe("lists", () => {
  test("own orders page by page, newest first, none twice", async () => {
    for (let n = 0; n < 5; n++) await place(bob, cup);
    type Page = { items: { id: string; created_at: string; user_id: string }[]; next_cursor: string | null };
    const seen: Page["items"] = [];
    for (let cursor = ""; cursor !== "end"; ) {
      const { body } = await bob.call<Page>("GET", `/orders?limit=2${cursor && `&cursor=${cursor}`}`);
      seen.push(...body.items);
      cursor = body.next_cursor ?? "end";
    }
    expect(seen.length).toBeGreaterThanOrEqual(5);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length);
    expect(new Set(seen.map(({ user_id }) => user_id)).size).toBe(1);
    const times = seen.map(({ created_at }) => created_at);
    expect(times).toEqual([...times].sort().reverse());
  });
});
