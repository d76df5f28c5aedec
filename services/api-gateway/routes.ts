/** Everything the outside may ask, and who answers. What is not listed here does not exist. */
export const publicRoutes = [
  ["POST", "/users", "user"],
  ["GET", "/users/me", "user"],
  ["POST", "/auth/token", "user"],
  ["GET", "/.well-known/jwks.json", "user"],
  ["GET", "/products", "product"],
  ["GET", "/products/:id", "product"],
  ["POST", "/orders", "order"],
  ["GET", "/orders", "order"],
  ["GET", "/orders/customer/:id", "order"],
  ["GET", "/orders/:id", "order"],
  ["GET", "/order/:id", "order"],
  ["GET", "/orders/:id/timeline", "order"],
  ["PUT", "/orders/:id/status", "order"],
  ["POST", "/orders/:id/cancel", "order"],
  ["POST", "/orders/:id/payments", "order"],
  ["GET", "/orders/:id/payments", "payment"],
  ["GET", "/payments/:id", "payment"],
  ["POST", "/payments/:id/refunds", "payment"],
  ["GET", "/inventory/:id", "inventory"],
  ["PUT", "/inventory/:id", "inventory"],
  ["GET", "/notifications", "notification"],
] as const;

/** Anyone may ask these; all others want a token, and the service that answers decides what its bearer may. */
export const open = new Set([
  "POST /users",
  "POST /auth/token",
  "GET /.well-known/jwks.json",
  "GET /products",
  "GET /products/:id",
  "GET /inventory/:id",
]);
