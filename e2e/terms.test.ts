import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Key } from "../contracts/settings.js";
import { saveSetting } from "../tools/databases.js";
import { instanceOf } from "../tools/instance.js";
import { serverOf } from "../tools/postgres.js";
import { secretsOf } from "../tools/secrets.js";
import { settings } from "./support/settings.js";
import {
  anyone,
  config,
  eventually,
  logOf,
  noticed,
  orderOf,
  type Person,
  place,
  placeLines,
  processes,
  reaches,
  set,
  signedIn,
  statementOf,
  url,
  withToken,
} from "./support/system.js";

const [ada, staff, admin] = await Promise.all([signedIn("ada"), signedIn("staff"), signedIn("admin")]);
const dir = process.env.E2E_DIR as string;
const portBase = new URL(url).port;

/** As a hand in the database would. */
const setUnchecked = (key: Key, value: string) =>
  saveSetting(serverOf(instanceOf({ portBase: Number(portBase), dir }), secretsOf(dir).postgresPassword), key, value);

async function signedUp(country: string): Promise<Person> {
  const account = { email: `${crypto.randomUUID()}@example.com`, password: "correct horse" };
  expect((await anyone.call("POST", "/users", { ...account, name: "Someone", country })).status).toBe(201);
  const { body } = await anyone.call<{ access_token: string }>("POST", "/auth/token", account);
  return withToken(body.access_token);
}

const made: string[] = [];
async function stocked(price: string, currency: string): Promise<string> {
  const { status, body } = await admin.call<{ id: string }>("POST", "/products", {
    name: `In ${currency}`,
    price,
    currency,
  });
  expect(status).toBe(201);
  made.push(body.id);
  expect((await staff.call("PUT", `/inventory/${body.id}`, { on_hand: 100 })).status).toBe(200);
  return body.id;
}

const rates = { EUR: { DE: 1900, AT: 2000 }, JPY: { "*": 1000 }, KWD: { DE: 750, "*": 0 } };
let [inEuro, inYen, inDinar, german]: [string, string, string, Person] = ["", "", "", ada];

beforeAll(async () => {
  await set("tax_rates", JSON.stringify(rates));
  inEuro = await stocked("0.50", "EUR");
  inYen = await stocked("1255", "JPY");
  inDinar = await stocked("1.255", "KWD");
  german = await signedUp("DE");
});

afterAll(async () => {
  await setUnchecked("tax_rates", "{}");
  await setUnchecked("currencies", "EUR,USD,GBP,CHF,JPY,KWD");
  await noticed("payment_window_seconds", ["order"], () =>
    setUnchecked("payment_window_seconds", settings.payment_window_seconds),
  );
  for (const id of made) await admin.call("DELETE", `/products/${id}`);
});

describe("taxes and currencies", () => {
  test.each([
    { currency: "EUR", of: () => inEuro, quantity: 1, subtotal: "0.50", tax: "0.10", total: "0.60", minor: 60 },
    { currency: "JPY", of: () => inYen, quantity: 1, subtotal: "1255", tax: "126", total: "1381", minor: 1381 },
    { currency: "KWD", of: () => inDinar, quantity: 3, subtotal: "3.765", tax: "0.282", total: "4.047", minor: 4047 },
  ])("$currency from Germany: exact in order, payment and ledger", async ({ of, quantity, minor, ...amounts }) => {
    const { status, body } = await place(german, of(), quantity, "card_ok");
    expect([status, body]).toMatchObject([201, amounts]);
    expect(await reaches(german, body.id, "processing")).toMatchObject({ status: "processing", ...amounts });
    const { total: amount, currency } = amounts;
    const payments = await german.call("GET", `/orders/${body.id}/payments`);
    expect(payments.body).toMatchObject({ items: [{ amount, currency, status: "succeeded" }] });
    expect(await statementOf(body.id)).toMatchObject({ net: minor, charges: [{ amount: minor, currency }] });
  });

  test("who has no country, or one that is not named, pays the rate of any country", async () => {
    const french = await signedUp("FR");
    for (const who of [ada, french]) {
      expect((await place(who, inYen)).body).toMatchObject({ tax: "126", total: "1381" });
      expect((await place(who, inDinar)).body).toMatchObject({ tax: "0.000", total: "1.255" });
      expect((await place(who, inEuro)).body).toMatchObject({ tax: "0.00", total: "0.50" });
    }
  });

  test("one order has one currency", async () => {
    const lines = [inEuro, inYen].map((product_id) => ({ product_id, quantity: 1 }));
    expect((await placeLines(german, lines)).status).toBe(422);
    const body = { items: [{ product_id: inEuro, quantity: 1 }], currency: "JPY" };
    const headers = { "idempotency-key": crypto.randomUUID() };
    expect((await german.call("POST", "/orders", body, headers)).status).toBe(422);
  });

  test("new rates count for the next order, the one before keeps its tax", async () => {
    const before = (await place(german, inEuro, 10)).body;
    await set("tax_rates", JSON.stringify({ ...rates, EUR: { DE: 700 } }));
    expect((await place(german, inEuro, 10)).body).toMatchObject({ subtotal: "5.00", tax: "0.35", total: "5.35" });
    expect(await orderOf(german, before.id)).toMatchObject({ subtotal: "5.00", tax: "0.95", total: "5.95" });
    await set("tax_rates", JSON.stringify(rates));
  });

  test("a currency that is taken off the list is neither sold in nor priced in", async () => {
    const product = { name: "In KWD", price: "1", currency: "KWD" };
    await set("currencies", "EUR,JPY");
    expect((await place(german, inDinar)).status).toBe(422);
    expect((await admin.call("POST", "/products", product)).status).toBe(422);
    expect((await admin.call("PUT", `/products/${inDinar}`, product)).status).toBe(422);
    await set("currencies", "EUR,JPY,KWD");
    expect((await place(german, inDinar)).status).toBe(201);
  });
});

describe("settings", () => {
  const windowOf = async () => {
    const { pay_by, created_at } = (await place(german, inEuro)).body;
    return (Date.parse(pay_by) - Date.parse(created_at)) / 1000;
  };

  test("the payment window of the next order is the one that is set now", async () => {
    await set("payment_window_seconds", "77");
    expect(await windowOf()).toBe(77);
  });

  test("a wrong value is refused by the command, and by the services: they keep the old one and say why", async () => {
    await set("payment_window_seconds", "78");
    const refused = await config("set", "payment_window_seconds", "soon");
    expect([refused.code, refused.text]).toEqual([1, expect.stringContaining("expected a whole number from 1 to ")]);
    expect((await config("set", "payment_windows", "5")).text).toContain("There is no setting payment_windows");

    await noticed("payment_window_seconds", ["order"], () => setUnchecked("payment_window_seconds", "soon"));
    expect(await windowOf()).toBe(78);
    const line = logOf("order")
      .split("\n")
      .findLast((line) => line.includes('"setting":"payment_window_seconds"'));
    expect(JSON.parse(line as string)).toMatchObject({
      level: 40,
      msg: expect.stringMatching(/^payment_window_seconds is "soon" \(not a whole number.*\), expected a whole number/),
    });
    expect((await config()).text).toMatch(/^payment_window_seconds = soon {3}\(set\)\n.+\n {2}WRONG: /m);
    await set("payment_window_seconds", "79");
    expect(await windowOf()).toBe(79);
  });

  test("a change is followed after the sidecar was killed, and after the store was", async () => {
    for (const [name, value] of [
      ["order-daprd", "80"],
      ["postgres", "81"],
    ] as const) {
      await processes.kill(name);
      await eventually(
        () => config("set", "payment_window_seconds", value),
        ({ code }) => code === 0,
      );
      const window = await eventually(windowOf, (seconds) => seconds === Number(value));
      expect(window).toBe(Number(value));
    }
  });

  test("the command lists every setting with its value and where it comes from", async () => {
    const { text } = await config();
    expect(text).toMatch(/^repeat_interval_seconds = 4 {3}\(set\)$/m);
    expect(text).toMatch(/^currencies = [A-Z,]+ {3}\((default|set)\)$/m);
    expect(text).not.toContain("WRONG");
  });
});
