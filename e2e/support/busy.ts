import { setTimeout as sleep } from "node:timers/promises";
import type { PaymentMethod } from "../../contracts/payment.js";
import {
  anyone,
  atOnce,
  eventually,
  must,
  newProduct,
  orderOf,
  type Person,
  place,
  processes,
  publishForeign,
  reaches,
  reconcile,
  signedIn,
  timelineOf,
} from "./system.js";

// A shop's day in a minute: every fate that an order can have, and a process that dies now and then.

const [ada, staff] = await Promise.all([signedIn("ada"), signedIn("staff")]);
const adaId = (await must(ada.me())).id;

async function ordered(product: string, method?: PaymentMethod, quantity = 1, who: Person = ada): Promise<string> {
  const { status, body } = await eventually(
    () => place(who, product, quantity, method),
    ({ status }) => status !== 503,
  );
  if (status !== 201) throw new Error(`not placed: ${status} ${JSON.stringify(body)}`);
  return body.id;
}

async function processed(product: string, method: PaymentMethod = "card_ok"): Promise<string> {
  const id = await ordered(product, method);
  await reaches(ada, id, "processing");
  return id;
}

async function delivered(product: string): Promise<void> {
  const params = { id: await processed(product) };
  await must(staff.setStatus({ params, body: { status: "shipped", tracking_number: "T-1", carrier: "Post" } }));
  await must(staff.setStatus({ params, body: { status: "delivered" } }));
}

async function paidAgain(product: string): Promise<void> {
  const id = await ordered(product, "card_declined");
  await reaches(ada, id, "payment_failed");
  await must(ada.payOrder({ params: { id }, headers: {}, body: { payment_method: "card_ok" } }));
  await reaches(ada, id, "processing");
}

async function givenBack(product: string, method: PaymentMethod): Promise<void> {
  const id = await processed(product, method);
  await must(ada.cancelOrder({ params: { id }, headers: {}, body: {} }));
  await eventually(
    () => timelineOf(ada, id),
    (entries) => entries.some(({ name }) => name === "payments.refunded"),
  );
}

/** Money came from elsewhere for more than there is: the system cancels, and staff pays back. */
async function soldOut(): Promise<void> {
  const { id: product_id } = await newProduct(1);
  const order_id = crypto.randomUUID();
  const about = { order_id, user_id: adaId, currency: "EUR" };
  const items = [{ product_id, quantity: 100, price: "22.00" }];
  await publishForeign("orders.created", { ...about, total: "2200.00", items_count: 1, items });
  await eventually(
    () => orderOf(ada, order_id),
    ({ id }) => id === order_id,
  );
  const paid = { payment_id: crypto.randomUUID(), payment_method: "wire", provider_id: "bank-1" };
  const payment_date = new Date().toISOString();
  await publishForeign("payments.succeeded", { ...about, ...paid, amount: "2200.00", payment_date });
  await reaches(ada, order_id, "cancelled");
}

/** Nobody pays, and the time is over. */
async function expired(product: string): Promise<void> {
  await reaches(ada, await ordered(product), "cancelled", 60);
}

/** The same request many times at once: all but one commit are refused. */
async function hurried(product: string): Promise<void> {
  const key = crypto.randomUUID();
  await Promise.all(Array.from({ length: 6 }, () => place(ada, product, 1, "card_ok", key)));
}

const nonsense = () => publishForeign("inventory.released", { order_id: "none", nothing: true });

/** Payment is away: its orders wait and their sagas ask again, its routes answer 503. */
async function withoutPayment(product: string): Promise<void> {
  await processes.stop("payment");
  const id = await ordered(product, "card_ok");
  await anyone.call("GET", `/payments/${crypto.randomUUID()}`);
  await ada.call("GET", `/orders/${id}/payments`);
  await eventually(
    () => timelineOf(staff, id),
    (entries) => entries.some(({ name }) => name === "asked again"),
  );
  await processes.start("payment");
  await reaches(ada, id, "processing", 60);
}

/** Stock is away for a moment: whoever asks it is tried again by the sidecar. */
async function stockDies(product: string): Promise<void> {
  await processes.kill("inventory");
  await Promise.all([1, 2, 3].map(() => ordered(product, "card_ok")));
}

/** Plain orders, as many as there shall be. */
export const plain = (product: string, count: number) =>
  atOnce(Array.from({ length: count }), 16, () => processed(product));

/** All of it, twice: a rate needs a before and an after. Gives the product that the orders were for. */
export async function aDay(): Promise<string> {
  const { id: product } = await newProduct(10_000);
  const round = () =>
    Promise.all([
      plain(product, 20),
      delivered(product),
      paidAgain(product),
      givenBack(product, "card_ok"),
      givenBack(product, "card_refund_fails_once"),
      soldOut(),
      hurried(product),
      nonsense(),
    ]);
  const late = expired(product);
  await round();
  await sleep(3_000);
  await round();
  const later = expired(product);
  await withoutPayment(product);
  await stockDies(product);
  await Promise.all([late, later]);
  await withoutPayment(product);
  await round();
  await reconcile();
  return product;
}
