/**
 * App → fixed-path question (POST, ids in the body, never public) → who puts it. What sidecars let through with mTLS,
 * and the README's table, are made from it.
 */
export const questions: Record<string, Record<string, string[]>> = {
  product: { "/rpc/products": ["order", "inventory", "api-gateway"] },
  order: { "/rpc/owner": ["payment"], "/rpc/orders": ["api-gateway"], "/rpc/timelines": ["api-gateway"] },
  user: { "/rpc/users": ["notification", "api-gateway"] },
  payment: {
    "/rpc/payments": ["api-gateway"],
    "/rpc/refund": ["order"],
    "/rpc/register": ["order"],
    "/rpc/audit": ["order"],
    "/rpc/recover": ["order"],
    "/rpc/strays": ["order"],
    "/rpc/refund-stray": ["order"],
  },
  inventory: {
    "/rpc/stock": ["api-gateway"],
    "/rpc/hold": ["order"],
    "/rpc/audit": ["order"],
    "/rpc/audit-stock": ["order"],
  },
};
