import { createClient, type Fetch, must } from "../client/client.js";
import { demoAccounts, demoPassword, demoProducts } from "../contracts/demo.js";
import { openapi } from "../contracts/openapi.js";
import { version } from "../kit/version.js";
import { pause } from "./say.js";

const password = process.env.DEMO_PASSWORD ?? demoPassword;

/** Just after a start on a busy machine a sidecar may not know yet where all the others are. */
const patient: Fetch = async (where, init) => {
  for (let tries = 1; ; tries++) {
    const answer = await fetch(where, init);
    if (answer.status !== 503 || tries === 10) return answer;
    await pause(1_000);
  }
};

export const customer = "ada@orders.local";

export async function tokenOf(url: string, email: string): Promise<string> {
  return (await must(createClient({ url, fetch: patient }).signIn({ body: { email, password } }))).access_token;
}

/**
 * The document to test with: its answers are closed, and its ids have examples that exist, so that not every question
 * ends at 404. The order is the customer's; the account is a new one, because an admin may take its roles away.
 */
export async function seeded(url: string): Promise<object> {
  const client = createClient({ url, token: await tokenOf(url, customer), fetch: patient });
  const line = { product_id: product(0), quantity: 1 };
  const headers = { "idempotency-key": crypto.randomUUID() };
  const order = await must(client.placeOrder({ headers, body: { items: [line], payment_method: "card_ok" } }));
  const payment = await paymentOf(order.id);
  const account = { email: `${crypto.randomUUID()}@example.com`, password, name: "Pat" };
  await must(client.notifications());
  const user = await must(client.signUp({ body: account }));

  const examples: Record<string, string> = {
    "/orders/customer/": demoAccounts.find((known) => known.email === customer)?.id as string,
    "/order": order.id,
    "/payments/": payment,
    "/users/": user.id,
    "/products/": product(1),
    "/inventory/": product(2),
  };
  const document = structuredClone(openapi(version, { closed: true })) as Loose;
  for (const [path, item] of Object.entries<Loose>(document.paths)) {
    const example = Object.entries(examples).find(([prefix]) => path.startsWith(prefix))?.[1];
    for (const { parameters = [] } of Object.values<Loose>(item))
      for (const parameter of parameters) if (parameter.in === "path" && example) parameter.example = example;
  }
  document.components.schemas.PlaceOrder.example = { items: [line], payment_method: "card_ok" };
  return document;

  async function paymentOf(id: string): Promise<string> {
    for (;;) {
      const answer = await client.payments({ params: { id } });
      const [first] = answer.ok ? answer.body.items : [];
      if (first) return first.payment_id;
      await pause(100);
    }
  }
}

// biome-ignore lint/suspicious/noExplicitAny: an OpenAPI document, changed at places that only this file knows.
type Loose = any;

const product = (n: number) => demoProducts[n]?.id as string;
