import { Id } from "../../contracts/common.js";
import { ListProducts, ProductsRequest } from "../../contracts/product.js";
import { type App, body, query } from "../../kit/http.js";
import { Problem } from "../../kit/problem.js";
import { pageOf, positionOf, type Sql } from "../../kit/sql.js";
import type { Store } from "../../kit/state.js";
import { type Item, view } from "./product.js";

export const key = (id: string) => `product:${id}`;

export const indexes = [
  "CREATE INDEX IF NOT EXISTS products_by_name ON state ((value->>'name'), key) WHERE starts_with(key, 'product:')",
];

export function routes({ router }: App, store: Store, sql: Sql): void {
  router.get("/products", async (ctx) => {
    const { q, limit, cursor } = query(ctx, ListProducts);
    const where = ["starts_with(key, 'product:')", "(value->'active')::boolean"];
    const params: string[] = [];
    const bind = (value: string) => `$${params.push(value)}`;
    if (q) where.push(`value->>'name' ILIKE ${bind(`%${q.replace(/[\\%_]/g, "\\$&")}%`)}`);
    if (cursor) {
      const [name, last] = positionOf(cursor, 2) ?? [];
      if (name === undefined || last === undefined) throw new Problem(400, "the cursor is not one of ours");
      where.push(`(value->>'name', key) > (${bind(name)}, ${bind(last)})`);
    }
    const rows = await sql.query<[Item]>(
      `SELECT value FROM state WHERE ${where.join(" AND ")} ORDER BY value->>'name', key LIMIT ${limit + 1}`,
      ...params,
    );
    const { items, next_cursor } = pageOf(rows, limit, (last) => [last.name, key(last.id)]);
    ctx.body = { items: items.map(view), next_cursor };
  });

  router.get("/products/:id", async (ctx) => {
    const id = Id.safeParse(ctx.params.id);
    const item = id.success ? (await store.get<Item>(key(id.data))).value : undefined;
    if (!item) throw new Problem(404, "there is no such product");
    ctx.body = view(item);
  });

  router.post("/rpc/products", async (ctx) => {
    const { product_ids } = await body(ctx, ProductsRequest);
    const found = await store.getMany<Item>(product_ids.map(key), () => true);
    ctx.body = { products: [...found.values()].flatMap(({ value }) => (value ? [view(value)] : [])) };
  });
}
