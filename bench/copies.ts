import { randomUUID } from "node:crypto";
import { must } from "../client/client.js";
import { demoAccounts, demoProducts } from "../contracts/demo.js";
import { pause } from "../tools/say.js";
import type { Databases } from "./databases.js";
import { signedIn, until } from "./people.js";

/** Whose rows an order leaves behind for good. */
export const recorders = ["order", "payment", "inventory", "notification"] as const;

const batch = 10_000;

/** One order from POST to `delivered`: what is copied is what such an order really leaves. */
export async function delivered(url: string): Promise<string> {
  const [staff, ada] = await Promise.all([signedIn(url, "staff"), signedIn(url, "ada")]);
  const items = [demoProducts[0]!, demoProducts[1]!].map(({ id }) => ({ product_id: id, quantity: 1 }));
  const key = () => ({ "idempotency-key": randomUUID() });
  const { id } = await must(ada.placeOrder({ headers: key(), body: { items, payment_method: "card_ok" } }));
  const params = { id };
  await until(ada, id, ["processing"], 50);
  const shipped = { status: "shipped", tracking_number: "T1", carrier: "Post" } as const;
  await must(staff.setStatus({ params, headers: key(), body: shipped }));
  await must(staff.setStatus({ params, headers: key(), body: { status: "delivered" } }));
  // Its last messages and the outbox rows they came from.
  await pause(2000);
  return id;
}

/** Copies all rows of an order in all databases, with the numbers `from` to `to`, each a second older than the one before. */
export async function storeCopies({ ask }: Databases, order: string, from: number, to: number): Promise<void> {
  for (const recorder of recorders) {
    for (let first = from; first <= to; first += batch)
      await ask(recorder, copies(order, first, Math.min(to, first + batch - 1)));
    await ask(recorder, "VACUUM ANALYZE state");
  }
}

/**
 * A copy has the same id in every database, and its customer has twenty of them. Rows whose key is not made of the order's
 * id (notifications) get a key of their own.
 */
const copies = (order: string, from: number, to: number) => `
  INSERT INTO state (key, value, isbinary)
  SELECT CASE WHEN strpos(key, '${order}') > 0 THEN replace(key, '${order}', id)
      ELSE split_part(key, ':', 1) || ':' || gen_random_uuid() END,
    replace(replace(value::text, '${order}', id), '${demoAccounts[2].id}', customer)::jsonb
      || CASE WHEN value ? 'created_at' THEN jsonb_build_object('created_at', to_char(
        (value->>'created_at')::timestamptz AT TIME ZONE 'utc' - n * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
      ELSE '{}' END, false
  FROM (SELECT key, value FROM state WHERE strpos(key, '${order}') > 0
      OR (value->>'order_id' = '${order}' AND key NOT LIKE 'outbox:%')) AS row,
    (SELECT n, md5('order ' || n)::uuid::text AS id, md5('customer ' || n / 20)::uuid::text AS customer
      FROM generate_series(${from}, ${to}) AS n) AS copy`;

/** What the tables of each database take on disk, indexes included, in bytes; the saga's own table by itself. */
export async function bytesOf({ ask }: Databases): Promise<Record<string, number>> {
  const sizeOf = "SELECT relname AS name, pg_total_relation_size(relid) AS bytes FROM pg_stat_user_tables";
  const found = await Promise.all(
    recorders.map(async (recorder) => {
      const tables = await ask<{ name: string; bytes: string }>(recorder, `${sizeOf} WHERE relname LIKE '%state'`);
      return tables.map(
        ({ name, bytes }) => [name === "state" ? recorder : `${recorder}'s ${name}`, Number(bytes)] as const,
      );
    }),
  );
  return Object.fromEntries(found.flat());
}
