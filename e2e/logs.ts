import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { secretsOf } from "../tools/secrets.js";
import { brokerIsOurs, brokerName } from "./support/broker.js";
import { anyone, must, newCustomer, place, product, withToken } from "./support/system.js";

// After all that the other tests of a suite did: what every process of the system has written down meanwhile.

const dir = process.env.E2E_DIR as string;
const logs = join(dir, "logs");

/** What no log may hold, by what it is. Passwords of all tests' customers begin with "planted" (support/system.ts). */
function forbidden(): [string, RegExp][] {
  const { postgresPassword, userJwtKeys, tokens } = secretsOf(dir);
  const { keys } = JSON.parse(userJwtKeys) as { keys: { d: string }[] };
  const literal = (text: string) => new RegExp(text.replace(/[^\w-]/g, "\\$&"));
  return [
    ["a password or a note of a customer", /planted/],
    ["the demo accounts' password", /demo-password/],
    ["a password's hash", /scrypt\$/],
    ["an access token", /eyJ[\w-]{10,}\.[\w-]{10,}\./],
    ["an authorization header", /bearer [\w-]{8,}/i],
    ["an e-mail address", /[\w.+-]+(@|%40)[\w-]+\.[a-z]{2,}/i],
    ["a private key", /PRIVATE KEY/],
    ["PostgreSQL's password", literal(postgresPassword)],
    ["a connection string with its password", /postgres(ql)?:\/\/[^\s"]*:[^\s"]*@/],
    ...keys.map(({ d }): [string, RegExp] => ["a key that signs access tokens", literal(d)]),
    ...Object.entries(tokens).flatMap(([app, { api, app: own }]): [string, RegExp][] => [
      [`the token of ${app}'s sidecar`, literal(api)],
      [`the token of ${app}`, literal(own)],
    ]),
  ];
}

/** Where a log holds what it must not, without repeating it. */
function found(): string[] {
  const rules = forbidden();
  return readdirSync(logs).flatMap((file) =>
    readFileSync(join(logs, file), "utf8")
      .split("\n")
      .flatMap((line, n) =>
        rules.filter(([, rule]) => rule.test(line)).map(([what]) => `${file}:${n + 1} holds ${what}`),
      ),
  );
}

test("no log holds a password, a token, a key or an e-mail address", async () => {
  await misbehave();
  // A log line is written within 100 ms.
  await new Promise((resume) => setTimeout(resume, 500));
  const files = readdirSync(logs);
  for (const name of [
    "user",
    "user-daprd",
    "order",
    "api-gateway",
    "provider",
    "postgres",
    ...(brokerIsOurs ? [brokerName] : []),
  ])
    expect(files).toContain(`${name}.log`);
  expect([...new Set(found())].slice(0, 20)).toEqual([]);
});

/** Secrets where they do not belong, and every way to be refused with one. */
async function misbehave(): Promise<void> {
  const customer = await newCustomer({ name: "planted name" });
  const { email, password, token } = customer;
  const sent = { email, password, name: "planted" };
  expect((await anyone.call("POST", "/users", sent)).status).toBe(409);
  expect((await anyone.call("POST", "/users", { ...sent, planted: 1 })).status).toBe(422);
  expect((await anyone.call("POST", "/users", `{"password":"${password}`)).status).toBe(400);
  expect((await anyone.signIn({ body: { email, password: "planted-wrong" } })).status).toBe(401);
  expect((await anyone.call("POST", "/auth/token", { email, password, planted: 1 })).status).toBe(422);
  expect((await anyone.call("GET", `/products?q=${email}&password=${password}`)).status).toBe(200);
  expect((await withToken(`${token}x`).me()).status).toBe(401);
  expect((await customer.call("GET", `/users/me?access_token=${token}`)).status).toBe(200);
  expect((await customer.call("PATCH", "/users/me", { password: "planted-next", current_password: "no" })).status).toBe(
    403,
  );
  await customer.call("POST", "/graphql", { query: `{ planted(password: "${password}", email: "${email}") }` });
  const order = await place(customer, product(1).id, 1, "card_declined");
  const params = { id: order.body.id };
  await must(customer.changeOrder({ params, body: { customer_notes: `planted, ${email}` } }));
  await must(customer.cancelOrder({ params, body: { reason: `planted ${email}` } }));
}
