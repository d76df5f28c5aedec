import { z } from "zod";
import { Currency, Id, Money } from "./common.js";
import { StockLine } from "./inventory.js";

// What the order service asks payment and inventory to see whether money and stock are where the orders say.

/** POST /rpc/audit, of payment and of inventory. */
export const AuditRequest = z.object({ order_ids: z.array(Id).min(1).max(100) });

/** What was taken and not given back, by currency; nothing is said of a currency in which that is nothing. */
const Net = z.record(Currency, Money);

/** Payment's answer, in the order of the request: by its own accounts, and by the provider's ledger. */
export const MoneyAudit = z.object({
  orders: z.array(
    z.object({
      order_id: Id,
      /** A charge or a refund is under way: neither sum has to be right now. */
      open: z.boolean(),
      account: Net,
      provider: Net,
    }),
  ),
});
export type MoneyOf = z.infer<typeof MoneyAudit>["orders"][number];

/** Inventory's answer: what is held or reserved; orders of which nothing is are not in it. */
export const GoodsAudit = z.object({
  orders: z.array(z.object({ order_id: Id, status: z.enum(["held", "reserved"]), items: z.array(StockLine) })),
});
export type GoodsOf = z.infer<typeof GoodsAudit>["orders"][number];

/** POST /rpc/audit-stock: products by id, after the one that is named. */
export const StockAuditRequest = z.object({ after: Id.nullable() });

/** Inventory's answer, of one moment: the stock, what holds and reservations add up to, and its ledger's sum. */
export const StockAudit = z.object({
  products: z.array(
    z.object({
      product_id: Id,
      on_hand: z.int(),
      held: z.int(),
      reserved: z.int(),
      holds: z.int(),
      reservations: z.int(),
      ledger: z.int(),
    }),
  ),
  /** Where the next page begins, null on the last. */
  after: Id.nullable(),
});
export type StockOf = z.infer<typeof StockAudit>["products"][number];
