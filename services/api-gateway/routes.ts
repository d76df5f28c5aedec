import { api, type Route } from "../../contracts/api.js";

/** "/orders/{id}" as the router writes it: "/orders/:id". */
export const routerPath = (path: string): string => path.replace(/\{(\w+)\}/g, ":$1");

/** Everything the outside may ask of the services behind, as the router writes paths. The gateway's own is not here. */
export const forwarded = Object.values<Route>(api)
  .filter(({ service }) => service !== "api-gateway")
  .map(({ method, path, service, who, headers }) => ({ method, path: routerPath(path), service, who, headers }));

/**
 * An Idempotency-Key for what may come without one: the sidecar asks again when a service dies over a request, and what
 * was done by then must not be done twice, nor refused because it is done.
 */
export const ownKey = ({ headers }: Pick<Route, "headers">): Record<string, string> =>
  headers && "idempotency-key" in headers.shape && headers.safeParse({}).success
    ? { "idempotency-key": crypto.randomUUID() }
    : {};
