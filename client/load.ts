import { setTimeout as sleep } from "node:timers/promises";
import { demoAccounts, demoPassword, demoProducts } from "../contracts/demo.js";
import { createClient, must } from "./client.js";

// Steady orders of a demo account, RATE in a second, until it is stopped; every ten seconds a line says what came of them.

const url = process.env.ORDERS_URL ?? "http://127.0.0.1:8080";
const rate = Number(process.env.RATE ?? 5);
const password = process.env.DEMO_PASSWORD ?? demoPassword;
const counts = new Map<string, number>();
let begun = 0;

const signedIn = async (email: string) => {
  const { access_token: token } = await must(createClient({ url }).signIn({ body: { email, password } }));
  return createClient({ url, token });
};
const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1);

/** One order; every tenth is refused by the bank. */
async function order(n: number): Promise<void> {
  const product_id = demoProducts[n % demoProducts.length]!.id;
  const payment_method: "card_declined" | "card_ok" = n % 10 === 0 ? "card_declined" : "card_ok";
  const body = { items: [{ product_id, quantity: 1 }], payment_method };
  const { id } = await must(ada.placeOrder({ headers: { "idempotency-key": crypto.randomUUID() }, body }));
  for await (const { status } of ada.watch(id, { signal: AbortSignal.timeout(60_000) }))
    if (["processing", "payment_failed", "cancelled"].includes(status)) return count(status);
}

const staff = await signedIn(demoAccounts[1].email);
for (const { id } of demoProducts)
  await must(staff.setStock({ params: { product_id: id }, body: { on_hand: 1_000_000 } }));
let ada = await signedIn(demoAccounts[2].email);
// A token holds for an hour.
setInterval(async () => {
  ada = await signedIn(demoAccounts[2].email).catch(() => ada);
}, 1_800_000);
setInterval(() => console.log(JSON.stringify({ begun, ...Object.fromEntries(counts) })), 10_000);
process.once("SIGTERM", () => process.exit(0));
process.once("SIGINT", () => process.exit(0));

for (;;) {
  order(begun++).catch((error: Error) => count(error.message));
  await sleep(1000 / rate);
}
