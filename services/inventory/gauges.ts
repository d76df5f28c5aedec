import type { Read } from "../../kit/gauges.js";
import type { Sql } from "../../kit/sql.js";

/** Nearly all rows are holds, and the primary key finds a prefix only where the database sorts by bytes. */
export const stockIndex = "CREATE INDEX IF NOT EXISTS stocks ON state (key) WHERE starts_with(key, 'stock:')";

type Sums = { on_hand: number; held: number; reserved: number; available: number; sold_out: number };

/** All products together: which of them is short is a question for the API. */
export const stockGauges =
  (sql: Sql): Read =>
  async () => {
    const sum = (field: string) => `'${field}', coalesce(sum((value->>'${field}')::bigint), 0)`;
    const sellable = "(value->>'on_hand')::bigint > (value->>'held')::bigint";
    const [sums] = await sql.sure<Sums>(
      `SELECT jsonb_build_object(${["on_hand", "held", "reserved"].map(sum)},
         'available', count(*) FILTER (WHERE ${sellable}), 'sold_out', count(*) FILTER (WHERE NOT ${sellable}))
       FROM state WHERE starts_with(key, 'stock:')`,
    );
    const { on_hand, held, reserved, available, sold_out } = sums as Sums;
    return [
      { name: "stock.units", value: on_hand, attributes: { state: "on_hand" } },
      { name: "stock.units", value: held, attributes: { state: "held" } },
      { name: "stock.units", value: reserved, attributes: { state: "reserved" } },
      { name: "stock.products", value: available, attributes: { state: "available" } },
      { name: "stock.products", value: sold_out, attributes: { state: "sold_out" } },
    ];
  };
