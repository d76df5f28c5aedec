import type { Write } from "../../kit/commit.js";
import { type Message, type Outbox, publish } from "../../kit/outbox.js";
import { Unavailable } from "../../kit/problem.js";
import { day, type Kind } from "../../kit/retention.js";
import type { Sql } from "../../kit/sql.js";
import type { Found, Store } from "../../kit/state.js";
import { type Adjustment, type Command, decide, type Hold, type Reply, type Stock } from "./stock.js";

export type Stocks = ReturnType<typeof stocks>;

type Job = { command: Command; done: (reply: Reply) => void; failed: (error: unknown) => void; seen: number };

const batch = 50;
const tries = 12;

const stockKey = (id: string) => `stock:${id}`;
/** No stock row means nothing is there; a hold that is taken for absent is found when its row is inserted. */
const isStock = (key: string) => key.startsWith("stock:");
const holdKey = (id: string) => `hold:${id}`;

export const indexes = [
  "CREATE INDEX IF NOT EXISTS holds_ending ON state ((value->>'expires_at')) WHERE starts_with(key, 'hold:')",
];

/** A hold that ran out counts as none (stock.ts); most are of requests that never became an order. Marks of undos stay. */
export const lapsedHolds: Kind = {
  rows: "starts_with(key, 'hold:') AND value->>'status' = 'lapsed'",
  seconds: () => day,
};

function keysOf(command: Command): string[] {
  if (command.type === "adjust") return [stockKey(command.product_id)];
  const items = "items" in command ? command.items : [];
  return [holdKey(command.order_id), ...items.map((item) => stockKey(item.product_id))];
}

function answer(hold: Hold, say: string): Message {
  const { order_id, items } = hold;
  const id = `${say}:${order_id}`;
  if (say === "inventory.reserved" && hold.reservation)
    return publish("inventory.reserved", id, { ...hold.reservation, order_id, items });
  if (say === "inventory.out_of_stock" && hold.shortage)
    return publish("inventory.out_of_stock", id, { order_id, ...hold.shortage });
  if (hold.released) return publish("inventory.released", id, { order_id, ...hold.released });
  throw new Error(`hold ${order_id} has no answer ${say}`);
}

/**
 * Many orders want the same few products, and rows that everybody wants are written one commit at a time. So commands
 * queue here, and whatever waits is decided one after the other in memory and committed in one transaction: all or
 * nothing, guarded by etags against another replica, and if that failed, read and decided again.
 */
export function stocks(store: Store, sql: Sql, outbox: Outbox) {
  const queue: Job[] = [];
  let running = false;

  async function settle(jobs: Job[]): Promise<void> {
    const rows = await load(jobs.map((job) => job.command));
    const now = new Date().toISOString();
    const changed = new Map<string, Stock | Hold>();
    const ledger: Write[] = [];
    const messages: Message[] = [];
    const again: Message[] = [];
    const current = <T extends object>(key: string) => (changed.get(key) ?? rows.get(key)?.value) as T | undefined;

    const replies = jobs.map(({ command }) => {
      const key = "order_id" in command ? holdKey(command.order_id) : undefined;
      const hold = key ? current<Hold>(key) : undefined;
      const decision = decide(command, (id) => current<Stock>(stockKey(id)), hold, now);
      for (const stock of decision.stock) changed.set(stockKey(stock.product_id), stock);
      if (key && decision.hold) changed.set(key, decision.hold);
      if (decision.adjustment)
        ledger.push({
          key: `ledger:${decision.adjustment.product_id}:${crypto.randomUUID()}`,
          value: decision.adjustment,
        });
      if (decision.say) {
        const answered = decision.hold ?? (hold as Hold);
        (decision.hold ? messages : again).push(answer(answered, decision.say));
      }
      return decision.reply;
    });

    if (changed.size > 0) {
      const { writes, sendNow } = outbox.prepare(messages);
      // In the order of their keys, so that two replicas that write the same rows never wait for each other in a ring.
      const entities = [...changed]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, value]): Write => {
          const etag = rows.get(key)?.etag;
          return { key, value, etag, insert: !etag };
        });
      if (!(await store.transact([...entities, ...ledger, ...writes]))) return retryLater(jobs);
      sendNow();
    }
    await outbox.say(again);
    jobs.forEach((job, n) => {
      job.done(replies[n] as Reply);
    });
  }

  /** Rows of the commands, and of the products that a stored hold names. */
  async function load(commands: Command[]): Promise<Map<string, Found<Stock | Hold>>> {
    const rows = await store.getMany<Stock | Hold>([...new Set(commands.flatMap(keysOf))], isStock);
    const held = [...rows.values()].flatMap(({ value }) => (value && "items" in value ? value.items : []));
    const missing = [...new Set(held.map((item) => stockKey(item.product_id)))].filter((key) => !rows.has(key));
    if (missing.length > 0)
      for (const [key, row] of await store.getMany<Stock | Hold>(missing, isStock)) rows.set(key, row);
    return rows;
  }

  /** Not committed, or not known to be: every command finds out what is stored and is decided again. */
  async function retryLater(jobs: Job[]): Promise<void> {
    for (const job of jobs) {
      job.seen++;
      if (job.seen < tries) queue.push(job);
      else job.failed(new Unavailable("the stock"));
    }
    await new Promise((resume) => setTimeout(resume, Math.random() * 30));
  }

  async function run(): Promise<void> {
    if (running) return;
    running = true;
    while (queue.length > 0) {
      const jobs = queue.splice(0, batch);
      await settle(jobs).catch((error) => {
        for (const job of jobs) job.failed(error);
      });
    }
    running = false;
  }

  function put(command: Command): Promise<Reply> {
    return new Promise((done, failed) => {
      queue.push({ command, done, failed, seen: 0 });
      void run();
    });
  }

  /** Holds that ran out give their stock back. Sorted, so that the index is read, and never the holds of all orders. */
  async function sweep(): Promise<void> {
    const now = new Date().toISOString();
    const ended = await sql.query<[string]>(
      `SELECT value->>'order_id' FROM state WHERE starts_with(key, 'hold:') AND value->>'expires_at' < $1
       ORDER BY value->>'expires_at' LIMIT 200`,
      now,
    );
    await Promise.all(ended.map(([order_id]) => put({ type: "lapse", order_id })));
  }

  return {
    put,
    async get(productId: string): Promise<Stock | undefined> {
      return (await store.get<Stock>(stockKey(productId))).value;
    },
    async getMany(productIds: string[]): Promise<Stock[]> {
      const found = await store.getMany<Stock>(productIds.map(stockKey), isStock);
      return [...found.values()].flatMap(({ value }) => value ?? []);
    },
    /** Initial stock of a product, which begins its ledger; what is there already stays. */
    async stockFirst(product_id: string, on_hand: number): Promise<void> {
      const key = stockKey(product_id);
      const stock: Stock = { product_id, on_hand, held: 0, reserved: 0 };
      const first: Adjustment = { product_id, delta: on_hand, actor: "seed", at: new Date().toISOString() };
      const begun = await store.transact([
        { key, value: stock, insert: true },
        { key: `ledger:${product_id}:first`, value: first },
      ]);
      if (!begun && !(await store.get(key)).value) throw new Unavailable("the state store");
    },
    sweep,
  };
}
