import { api, type Route } from "../../contracts/api.js";

/** Everything the outside may ask of the services behind, as the router writes paths. The gateway's own is not here. */
export const forwarded = Object.values<Route>(api)
  .filter(({ service }) => service !== "api-gateway")
  .map(({ method, path, service, who, answers }) => ({
    method,
    path: path.replace(/\{(\w+)\}/g, ":$1"),
    service,
    who,
    streamed: answers[200]?.type === "text/event-stream",
  }));
