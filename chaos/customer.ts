import { type Client, createClient, type Fetch } from "../client/client.js";
import type { OrderView } from "../contracts/order.js";
import type { PaymentMethod } from "../contracts/payment.js";
import { pause } from "../tools/say.js";

/** What a 2xx answer promised: it has to be there in the end. `detail`: the tracking number, or the note's name. */
export type Acknowledged = {
  what: "placed" | "paying" | "cancelled" | "shipped" | "delivered" | "noted";
  order_id: string;
  detail: string;
};

/** What all customers asked and were answered. */
export type Diary = {
  /** Every Idempotency-Key with which an order was ever asked for. */
  keys: Set<string>;
  acknowledged: Acknowledged[];
  /** How often each answer came: "POST order 201", "POST order: no answer". */
  answers: Map<string, number>;
  /** What no client should ever be answered, and what is not as the contract says. */
  strange: string[];
  lastAt: number;
};
export const emptyDiary = (): Diary => ({
  keys: new Set(),
  acknowledged: [],
  answers: new Map(),
  strange: [],
  lastAt: Date.now(),
});

export type Customer = ReturnType<typeof customer>;
type Options = { url: string; token: string; diary: Diary; patience: () => number };
type Answer = { ok: boolean; status: number; headers: Pick<Headers, "get">; body: unknown };

const requestMs = 20_000;
const pollMs = 1_000;
const again = [500, 502, 503, 504, 429];

class GaveUp extends Error {}
export const gaveUp = (error: unknown): boolean => error instanceof GaveUp;

/** Someone who asks until there is an answer, with the same key each time, as long as `patience` (a time) is not over. */
export function customer({ url, token, diary, patience }: Options) {
  const ask: Fetch = (address, init) => fetch(address, { ...init, signal: AbortSignal.timeout(requestMs) });
  const client = createClient({ url, token, fetch: ask, validate: true });

  function count(answer: string): void {
    diary.answers.set(answer, (diary.answers.get(answer) ?? 0) + 1);
  }

  async function persist<A extends Answer>(what: string, ask: () => Promise<A>): Promise<A> {
    for (let tries = 0; Date.now() < patience(); tries++) {
      let wait = Math.min(250 * 2 ** tries, 4_000);
      try {
        const answer = await ask();
        count(`${what} ${answer.status}`);
        if (!again.includes(answer.status)) return answer;
        if (answer.status === 500) diary.strange.push(`${what} 500`);
        wait = Number(answer.headers.get("retry-after") ?? 0) * 1000 || wait;
      } catch (error) {
        count(`${what}: no answer`);
        // Fetch throws a TypeError for a lost connection and a DOMException for its time limit.
        if (!(error instanceof TypeError || error instanceof DOMException))
          diary.strange.push(`${what}: ${(error as Error).message.slice(0, 200)}`);
      }
      await pause(wait);
    }
    throw new GaveUp(what);
  }

  function acknowledge(what: Acknowledged["what"], order_id: string, detail = ""): void {
    diary.acknowledged.push({ what, order_id, detail });
    diary.lastAt = Date.now();
  }

  /** A change of an order under a key of its own; false when it was refused. */
  async function change(
    what: Acknowledged["what"],
    id: string,
    detail: string,
    put: (client: Client, headers: { "idempotency-key": string }) => Promise<Answer>,
  ): Promise<boolean> {
    const headers = { "idempotency-key": crypto.randomUUID() };
    const { ok } = await persist(what, () => put(client, headers));
    if (ok) acknowledge(what, id, detail);
    return ok;
  }

  const at = (id: string) => ({ params: { id } });

  return {
    /** The order's id, or undefined when it was refused: out of stock. */
    async place(
      product_id: string,
      payment_method?: PaymentMethod,
      key: string = crypto.randomUUID(),
    ): Promise<string | undefined> {
      diary.keys.add(key);
      const items = [{ product_id, quantity: 1 }];
      // The key in the order itself tells in the end which request made it.
      const body = { items, metadata: { key }, ...(payment_method && { payment_method }) };
      const answer = await persist("placed", () => client.placeOrder({ headers: { "idempotency-key": key }, body }));
      if (!answer.ok) return undefined;
      acknowledge("placed", answer.body.id);
      return answer.body.id;
    },
    pay: (id: string, payment_method: PaymentMethod) =>
      change("paying", id, "", (c, headers) => c.payOrder({ ...at(id), headers, body: { payment_method } })),
    cancel: (id: string) =>
      change("cancelled", id, "", (c, headers) => c.cancelOrder({ ...at(id), headers, body: {} })),
    note(id: string) {
      const name = crypto.randomUUID();
      const body = { metadata: { [name]: "noted" } };
      return change("noted", id, name, (c, headers) => c.changeOrder({ ...at(id), headers, body }));
    },
    ship(id: string) {
      const tracking_number = crypto.randomUUID();
      const body = { status: "shipped", tracking_number, carrier: "Post" } as const;
      return change("shipped", id, tracking_number, (c, headers) => c.setStatus({ ...at(id), headers, body }));
    },
    deliver: (id: string) =>
      change("delivered", id, "", (c, headers) => c.setStatus({ ...at(id), headers, body: { status: "delivered" } })),
    /** The order, as soon as it is in one of these states. */
    async until(id: string, ...statuses: OrderView["status"][]): Promise<OrderView["status"]> {
      for (;;) {
        await pause(pollMs);
        const { ok, status, body } = await persist("read", () => client.order(at(id)));
        if (!ok) diary.strange.push(`read ${status} of an order that is there`);
        else if (statuses.includes(body.status)) return body.status;
      }
    },
  };
}
