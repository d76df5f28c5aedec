import type { Costs } from "./capacity.js";

/**
 * What docs/scale.md counts with: taken by `npm run bench -- --suite scale` on two virtual cores that also ran the client, of which the
 * payment provider and Redis are no part of a production system.
 */
export const measured: Costs = {
  "api-gateway": { order: 5.65, idle: 5.5, memory: 72 },
  "api-gateway-daprd": { order: 4.16, idle: 2.5, memory: 60 },
};
