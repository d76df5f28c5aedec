import { createClient, must } from "../client/client.js";
import { demoAccounts, demoProducts } from "../contracts/demo.js";
import { openapi } from "../contracts/openapi.js";
import { version } from "../kit/version.js";

const customer = demoAccounts[2];
const password = process.env.DEMO_PASSWORD ?? "demo-password-1";

export type Tester = { email: string; token: string; document: object };

/**
 * Someone to test as, with the document to test with: its answers are closed, and its ids have examples that exist, so
 * that not every question ends at 404. The order is Ada's; the account is a new one, because an admin may take its roles away.
 */
export async function tester(url: string, email: string): Promise<Tester> {
  const tokenOf = async (who: string) =>
    (await must(createClient({ url }).signIn({ body: { email: who, password } }))).access_token;
  const token = await tokenOf(email);
  const client = createClient({ url, token: await tokenOf(customer.email) });
  const line = { product_id: product(0), quantity: 1 };
  const headers = { "idempotency-key": crypto.randomUUID() };
  const order = await must(client.placeOrder({ headers, body: { items: [line], payment_method: "card_ok" } }));
  const payment = await paymentOf(order.id);
  const account = { email: `${crypto.randomUUID()}@example.com`, password, name: "Pat" };
  const user = await must(client.signUp({ body: account }));

  const examples: Record<string, string> = {
    "/orders/customer/": customer.id,
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
  return { email, token, document };

  async function paymentOf(id: string): Promise<string> {
    for (;;) {
      const answer = await client.payments({ params: { id } });
      const [first] = answer.ok ? answer.body.items : [];
      if (first) return first.payment_id;
      await new Promise((resume) => setTimeout(resume, 100));
    }
  }
}

// biome-ignore lint/suspicious/noExplicitAny: an OpenAPI document, changed at places that only this file knows.
type Loose = any;

const product = (n: number) => demoProducts[n]?.id as string;
