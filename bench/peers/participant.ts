import pg from "pg";
import { serve } from "./http.js";
import type { Order } from "./orders.js";

// Payment or inventory for an engine that calls services over plain HTTP: asked again, it did it once.
const { PORT, DATABASE_URL, ROLE } = process.env as Record<string, string>;
const database = new pg.Pool({ connectionString: DATABASE_URL, max: 10 });
database.on("error", console.error);
const table = ROLE === "payment" ? "charges" : "reservations";

await database.query(`create table if not exists ${table} (order_id uuid primary key, what jsonb not null)`);
serve(Number(PORT), async (_, body) => {
  const { id, items, total } = JSON.parse(body) as Order;
  const what = JSON.stringify(ROLE === "payment" ? { amount: total } : { items });
  const text = `insert into ${table} values ($1, $2) on conflict do nothing`;
  await database.query({ name: "do", text, values: [id, what] });
  return [200, { id: `${ROLE}-${id}` }];
});
