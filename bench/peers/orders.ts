import { randomUUID } from "node:crypto";
import pg from "pg";
import { serve } from "./http.js";

type Item = { product_id: string; quantity: number };
export type Order = { id: string; items: Item[]; total: number };
export type Status = "pending" | "paid" | "confirmed";

const price = 18.5;
const database = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 20 });
// The database is away: who asks it next is told.
database.on("error", console.error);

/** Stores the order as it is now. Pending is only where an order begins: who says it late changes nothing. */
export async function save({ id, items, total }: Order, status: Status): Promise<void> {
  await database.query({
    name: "save",
    text: `insert into orders (id, items, total, status) values ($1, $2, $3, $4)
           on conflict (id) do update set status = excluded.status where excluded.status <> 'pending'`,
    values: [id, JSON.stringify(items), total, status],
  });
}

async function find(id: string): Promise<{ id: string; status: Status } | undefined> {
  const found = await database.query({
    name: "find",
    text: "select id, status from orders where id = $1",
    values: [id],
  });
  return found.rows[0];
}

/** POST /orders and GET /orders/:id. `start` returns when the engine will bring the order to its end, whatever dies. */
export async function serveOrders(port: number, start: (order: Order) => Promise<unknown>): Promise<void> {
  await database.query(
    "create table if not exists orders (id uuid primary key, items jsonb not null, total numeric not null, status text not null)",
  );
  serve(port, async (request, body) => {
    if (request === "POST /orders") {
      const { items } = JSON.parse(body) as { items: Item[] };
      const total = items.reduce((sum, { quantity }) => sum + price * quantity, 0);
      const order = { id: randomUUID(), items, total };
      // The engine first: a crash in between leaves a saga that makes the row itself, not a row that waits for ever.
      await start(order);
      await save(order, "pending");
      return [201, { id: order.id, status: "pending" }];
    }
    const found = request.startsWith("GET /orders/") && (await find(request.slice("GET /orders/".length)));
    return found ? [200, found] : [404, {}];
  });
}
