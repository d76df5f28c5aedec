import type { ProcessAction, Statement } from "../contracts/console.js";
import { demoProducts } from "../contracts/demo.js";
import type { PaymentMethod } from "../contracts/payment.js";
import { ask, askAs, Refusal, send } from "./api.js";
import { randomKey, sentence } from "./asked.js";
import { session } from "./session.js";
import { kept } from "./store.js";
import type { Mark } from "./timeline.js";

// What the proof does: it buys as a customer of its own, and strikes processes through the supervisor.

export const act = (name: string, action: ProcessAction) =>
  send("POST /proof/processes/{name}/{action}", { params: { name, action } }, session.get()?.token);

/** What the provider says it took and gave back. */
export const ledgerOf = (id: string) =>
  send("GET /proof/ledger/{id}", { params: { id } }, session.get()?.token) as Promise<Statement>;

/** Who buys on this page: a customer made for it, once per tab. */
const visitor = kept<string | null>(sessionStorage, "visitor", null);

async function visitorToken(): Promise<string> {
  const mark = randomKey();
  const account = { email: `visitor-${mark}@orders.local`, password: mark };
  await ask("POST /users", { body: { ...account, name: "A visitor" } });
  const { access_token } = await ask("POST /auth/token", { body: account });
  visitor.set(access_token);
  return access_token;
}

/** Asks as that customer; one who is not known any more is made anew. */
async function asVisitor<T>(work: (token: string) => Promise<T>): Promise<T> {
  const known = visitor.get();
  if (!known) return work(await visitorToken());
  return work(known).catch(async (error) => {
    if (!(error instanceof Refusal) || error.problem.status !== 401) throw error;
    return work(await visitorToken());
  });
}

export async function place(payment_method: PaymentMethod, key: string): Promise<string> {
  const [cups] = demoProducts;
  const { items } = await ask("GET /products", { query: { limit: 20 } });
  const product = items.find(({ id }) => id === cups?.id) ?? items[0];
  if (!product) throw new Error("The catalogue is empty: add a product first.");
  const body = { items: [{ product_id: product.id, quantity: 1 }], payment_method };
  const { id } = await asVisitor((token) =>
    askAs(token, "POST /orders", { headers: { "idempotency-key": key }, body }),
  );
  return id;
}

export type Blow = { name: string; action: ProcessAction };
export const killPayment: Blow = { name: "payment", action: "kill" };

/** Worth a button of their own. */
export const blows: (Blow & { label: string })[] = [
  { label: "Kill payment", ...killPayment },
  { label: "Kill order service", name: "order", action: "kill" },
  { label: "Kill inventory", name: "inventory", action: "kill" },
  { label: "Kill the saga's sidecar", name: "order-daprd", action: "kill" },
  { label: "Kill PostgreSQL", name: "postgres", action: "kill" },
];

const names: Record<string, string> = {
  order: "the order service",
  "order-daprd": "the sidecar that runs the saga",
  postgres: "PostgreSQL",
  redis: "Redis",
  kafka: "Kafka",
};
const past: Record<ProcessAction, string> = {
  kill: "was killed",
  pause: "was frozen",
  resume: "goes on",
  restart: "was restarted",
  stop: "was stopped",
  start: "was started again",
};
export const nameOf = (process: string): string => names[process] ?? process;

/** What was done to the system, and when. */
export type Hit = Mark & { name: string };
export type Run = { orderId?: string; hits: Hit[] };

export const hitBy = ({ name, action }: Blow): Hit => ({
  at: Date.now(),
  says: sentence(`${nameOf(name)} ${past[action]}`),
  name,
  good: action === "start" || action === "resume",
});
