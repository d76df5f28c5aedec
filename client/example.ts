import { createClient, must } from "./client.js";

const url = process.env.ORDERS_URL ?? "http://127.0.0.1:8080";
const credentials = { email: "ada@orders.local", password: "demo-password-1" };
const { access_token: token } = await must(createClient({ url }).signIn({ body: credentials }));
const ada = createClient({ url, token });

const [mill] = (await must(ada.products({ query: { q: "coffee mill" } }))).items;
if (!mill) throw new Error("no coffee mill in the catalogue");
const order = await must(
  ada.placeOrder({
    headers: { "idempotency-key": crypto.randomUUID() },
    body: { items: [{ product_id: mill.id, quantity: 1 }], payment_method: "card_ok" },
  }),
);

for await (const { name, status } of ada.watch(order.id)) {
  console.log(`${name}: the order is ${status}`);
  if (status === "processing") break;
}
