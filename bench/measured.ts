import type { Costs } from "./capacity.js";

/**
 * What docs/scale.md counts with: milliseconds of CPU for one order more, and per second before the first one, as a line through 5 and
 * 20 orders per second; memory in MB. `npm run bench -- --suite scale`, two virtual cores that also ran the client.
 */
export const measured: Costs = {
  "api-gateway": { order: 4.21, base: 13.7, memory: 70 },
  "api-gateway-daprd": { order: 4.18, base: 6.5, memory: 62 },
  order: { order: 8.67, base: 52.4, memory: 112 },
  "order-daprd": { order: 11.75, base: 24.4, memory: 102 },
  inventory: { order: 5.13, base: 25.6, memory: 56 },
  "inventory-daprd": { order: 5, base: 11.3, memory: 64 },
  payment: { order: 4.24, base: 14, memory: 71 },
  "payment-daprd": { order: 2.9, base: 5.5, memory: 62 },
  notification: { order: 3.99, base: 10.6, memory: 121 },
  "notification-daprd": { order: 3.25, base: 6, memory: 61 },
  product: { order: 0, base: 4.6, memory: 36 },
  "product-daprd": { order: 0, base: 2, memory: 46 },
  user: { order: 0, base: 4.4, memory: 43 },
  "user-daprd": { order: 0, base: 2, memory: 49 },
  postgres: { order: 10.82, base: 21, memory: 255 },
  scheduler: { order: 3.97, base: 14.7, memory: 120 },
  placement: { order: 0, base: 13.9, memory: 39 },
  redis: { order: 2.43, base: 5.5, memory: 23 },
  provider: { order: 1.13, base: 1.9, memory: 33 },
};
