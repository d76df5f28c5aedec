import { AuditRequest, type GoodsOf, StockAuditRequest, type StockOf } from "../../contracts/audit.js";
import { type App, body } from "../../kit/http.js";
import type { Sql } from "../../kit/sql.js";

const pageSize = 100;

/** What is held and reserved for some orders, and the books of the products; both of one moment, by one statement. */
export function auditRoutes({ router }: App, sql: Sql): void {
  router.post("/rpc/audit", async (ctx) => {
    const { order_ids } = await body(ctx, AuditRequest);
    const orders = await sql.sure<GoodsOf>(
      `SELECT jsonb_build_object('order_id', value->'order_id', 'status', value->'status', 'items', value->'items')
       FROM state WHERE value->>'status' IN ('held', 'reserved')
       AND key = ANY(ARRAY(SELECT jsonb_array_elements_text($1::text::jsonb)))`,
      JSON.stringify(order_ids.map((id) => `hold:${id}`)),
    );
    ctx.body = { orders };
  });

  router.post("/rpc/audit-stock", async (ctx) => {
    const { after } = await body(ctx, StockAuditRequest);
    const products = await sql.sure<StockOf>(
      `SELECT stock.value || jsonb_build_object('holds', coalesce(lines.held, 0),
         'reservations', coalesce(lines.reserved, 0), 'ledger', coalesce(ledger.sum, 0))
       FROM (SELECT key, value FROM state WHERE starts_with(key, 'stock:') AND key > $1
             ORDER BY key LIMIT ${pageSize}) AS stock
       LEFT JOIN (SELECT item->>'product_id' AS product_id,
                    sum((item->>'quantity')::bigint) FILTER (WHERE value->>'status' = 'held') AS held,
                    sum((item->>'quantity')::bigint) FILTER (WHERE value->>'status' = 'reserved') AS reserved
                  FROM state, jsonb_array_elements(value->'items') AS line(item)
                  WHERE starts_with(key, 'hold:') AND value->>'status' IN ('held', 'reserved')
                  GROUP BY 1) AS lines ON lines.product_id = stock.value->>'product_id'
       LEFT JOIN (SELECT value->>'product_id' AS product_id, sum((value->>'delta')::bigint) AS sum
                  FROM state WHERE starts_with(key, 'ledger:')
                  GROUP BY 1) AS ledger ON ledger.product_id = stock.value->>'product_id'
       ORDER BY stock.key`,
      `stock:${after ?? ""}`,
    );
    const last = products.length === pageSize ? products.at(-1) : undefined;
    ctx.body = { products, after: last?.product_id ?? null };
  });
}
