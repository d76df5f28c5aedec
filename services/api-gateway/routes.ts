import { api, type Route } from "../../contracts/api.js";

/** "/orders/{id}" as the router writes it: "/orders/:id". */
export const routerPath = (path: string): string => path.replace(/\{(\w+)\}/g, ":$1");

/** Everything the outside may ask of the services behind, as the router writes paths. The gateway's own is not here. */
export const forwarded = Object.values<Route>(api)
  .filter(({ service }) => service !== "api-gateway")
  .map(({ method, path, service, who }) => ({ method, path: routerPath(path), service, who }));
