import { v5 } from "uuid";
import { Id } from "../../contracts/common.js";
import { ListProducts, ProductsRequest, PutProduct } from "../../contracts/product.js";
import { type Authenticate, mustBeAdmin } from "../../kit/auth.js";
import { type App, body, query } from "../../kit/http.js";
import { fingerprint, idempotencyKey, otherBody } from "../../kit/idempotency.js";
import { Problem, Unavailable } from "../../kit/problem.js";
import { pageOf, type Sql, startOf } from "../../kit/sql.js";
import { type Found, type Store, untilStored } from "../../kit/state.js";
import { added, exists, type Item, removed, replaced, view } from "./product.js";

type Deps = { store: Store; sql: Sql; authenticate: Authenticate; currencies: () => string[] };

/** Namespace of ids made from admin and Idempotency-Key. */
const namespace = "b3a1c7de-52f0-4a86-9c1e-6f0d2e8a4b17";

const unknown = "there is no such product";

export const key = (id: string) => `product:${id}`;

export const indexes = [
  "CREATE INDEX IF NOT EXISTS products_by_name ON state ((value->>'name'), key) WHERE starts_with(key, 'product:')",
];

export function routes({ router }: App, { store, sql, authenticate, currencies }: Deps): void {
  router.get("/products", async (ctx) => {
    const page = query(ctx, ListProducts);
    const { q, limit, cursor } = page;
    const where = ["starts_with(key, 'product:')", "(value->'active')::boolean", "NOT value ? 'deleted_at'"];
    const params: string[] = [];
    const bind = (value: string) => `$${params.push(value)}`;
    if (q) where.push(`value->>'name' ILIKE ${bind(`%${q.replace(/[\\%_]/g, "\\$&")}%`)}`);
    if (cursor) {
      const [name, last] = startOf("products", cursor, 2) as [string, string];
      where.push(`(value->>'name', key) > (${bind(name)}, ${bind(last)})`);
    }
    const rows = await sql.query<[Item]>(
      `SELECT value FROM state WHERE ${where.join(" AND ")} ORDER BY value->>'name', key LIMIT ${limit + 1}`,
      ...params,
    );
    const { items, ...cursors } = pageOf("products", rows, page, (last) => [last.name, key(last.id)]);
    ctx.body = { items: items.map(view), ...cursors };
  });

  router.get("/products/:id", async (ctx) => {
    const { value: item } = await load(ctx.params.id);
    if (!exists(item)) throw new Problem(404, unknown);
    ctx.body = view(item);
  });

  router.post("/products", async (ctx) => {
    const who = await authenticate(ctx);
    mustBeAdmin(who);
    const idempotent = idempotencyKey(ctx);
    const request = await body(ctx, PutProduct);
    const request_hash = fingerprint(request);
    const id = idempotent === undefined ? crypto.randomUUID() : v5(`${who.sub} ${idempotent}`, namespace);

    let stored = (await store.get<Item>(key(id))).value;
    if (!stored) {
      mustBeSold(request.currency);
      const item = added(request, id, request_hash, new Date().toISOString());
      if (await store.insert(key(id), item)) {
        ctx.status = 201;
        ctx.set("location", `/products/${id}`);
        ctx.body = view(item);
        return;
      }
      stored = (await store.get<Item>(key(id))).value;
    }
    if (!stored) throw new Unavailable("the state store");
    if (stored.request_hash !== request_hash) throw otherBody();
    if (!exists(stored)) throw new Problem(409, "this product was added and has been taken out since");
    ctx.body = view(stored);
  });

  router.put("/products/:id", async (ctx) => {
    mustBeAdmin(await authenticate(ctx));
    const request = await body(ctx, PutProduct);
    mustBeSold(request.currency);
    ctx.body = view(await change(ctx.params.id, (item, now) => replaced(item, request, now)));
  });

  router.delete("/products/:id", async (ctx) => {
    mustBeAdmin(await authenticate(ctx));
    await change(ctx.params.id, removed);
    ctx.status = 204;
  });

  router.post("/rpc/products", async (ctx) => {
    const { product_ids } = await body(ctx, ProductsRequest);
    const found = await store.getMany<Item>(product_ids.map(key), () => true);
    ctx.body = { products: [...found.values()].flatMap(({ value }) => (exists(value) ? [view(value)] : [])) };
  });

  async function load(id: string | undefined): Promise<Found<Item>> {
    const parsed = Id.safeParse(id);
    return parsed.success ? store.get<Item>(key(parsed.data)) : { value: undefined, etag: undefined };
  }

  /** A write that is not known to have happened is decided again on what is stored then, unless that is our own. */
  async function change(id: string | undefined, decide: (item: Item, now: string) => Item): Promise<Item> {
    const now = new Date().toISOString();
    return untilStored(async (tries) => {
      const { value: item, etag } = await load(id);
      if (tries > 0 && item?.deleted_at === now) return { reply: item };
      if (!exists(item)) throw new Problem(404, unknown);
      const reply = decide(item, now);
      return (await store.transact([{ key: key(item.id), value: reply, etag }])) ? { reply } : undefined;
    });
  }

  function mustBeSold(currency: string): void {
    if (currencies().includes(currency)) return;
    const message = `is none of ${currencies().join(", ")}`;
    throw new Problem(422, `currency: ${message}`, { errors: [{ field: "currency", message }] });
  }
}
