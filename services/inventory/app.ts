import { v5 } from "uuid";
import { Id } from "../../contracts/common.js";
import { HoldRequest, SetStock, StockRequest } from "../../contracts/inventory.js";
import { type Authenticate, mustBeStaff } from "../../kit/auth.js";
import { about } from "../../kit/context.js";
import type { Handlers } from "../../kit/events.js";
import { type App, body, parse } from "../../kit/http.js";
import { Problem } from "../../kit/problem.js";
import { merged, view } from "./stock.js";
import type { Stocks } from "./stocks.js";

/** Namespace of reservation ids, which are made from order ids. */
const namespace = "0b8a3f1e-94c7-4d53-8c0a-7a1f7a1f5e62";
/** A hold outlives the time to pay by this, so that a payment of the last second still finds its goods. */
const margin = 60_000;
/** For orders that came without a pay_by. */
const defaultWindow = 1_800_000;

type Deps = { stock: Stocks; authenticate: Authenticate; isProduct: (id: string) => Promise<boolean> };

export function routes({ router }: App, { stock, authenticate, isProduct }: Deps): void {
  router.post("/rpc/hold", async (ctx) => {
    const request = await body(ctx, HoldRequest);
    about(request.order_id);
    ctx.body = await stock.put({ type: "hold", ...request, items: merged(request.items) });
  });

  router.post("/rpc/stock", async (ctx) => {
    const { product_ids } = await body(ctx, StockRequest);
    ctx.body = { stock: (await stock.getMany(product_ids)).map(view) };
  });

  router.get("/inventory/:id", async (ctx) => {
    const id = Id.safeParse(ctx.params.id);
    const found = id.success ? await stock.get(id.data) : undefined;
    if (!found) throw new Problem(404, "there is no stock of such a product");
    ctx.body = view(found);
  });

  router.put("/inventory/:id", async (ctx) => {
    const who = await authenticate(ctx);
    mustBeStaff(who);
    const product_id = parse(Id, ctx.params.id);
    const { on_hand } = await body(ctx, SetStock);
    if (!(await stock.get(product_id)) && !(await isProduct(product_id)))
      throw new Problem(404, "there is no such product");
    const reply = await stock.put({ type: "adjust", product_id, on_hand, actor: who.sub });
    if (reply.kind === "below_held") throw new Problem(409, `${reply.held} are held`, { held: reply.held });
    ctx.body = reply.kind === "adjusted" ? reply.stock : undefined;
  });
}

export function handlers(stock: Stocks): Handlers {
  return {
    /** Confirms the provisional hold, or makes one; where there is none to be had, the payment will find out. */
    "orders.created": ({ order_id, items, pay_by }) => {
      const end = pay_by ? Date.parse(pay_by) : Date.now() + defaultWindow;
      return stock.put({ type: "hold", order_id, items: merged(items), until: new Date(end + margin).toISOString() });
    },
    "orders.paid": ({ order_id, items }) =>
      stock.put({ type: "reserve", order_id, items: merged(items), reservation_id: v5(order_id, namespace) }),
    "orders.cancelled": ({ order_id }) => stock.put({ type: "release", order_id }),
  };
}
