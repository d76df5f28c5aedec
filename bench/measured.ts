import type { Costs } from "./capacity.js";

/**
 * What docs/scale.md counts with: CPU in milliseconds per order at 25 orders per second, and per second without any; memory in MB.
 * `npm run bench -- --suite scale`, two virtual cores that also ran the client, which others used by a tenth meanwhile.
 */
export const measured: Costs = {
  "api-gateway": { order: 3.56, idle: 4.5, memory: 90 },
  "api-gateway-daprd": { order: 3.33, idle: 2.5, memory: 62 },
  order: { order: 7.93, idle: 6, memory: 163 },
  "order-daprd": { order: 9.92, idle: 4, memory: 93 },
  inventory: { order: 4.2, idle: 6, memory: 59 },
  "inventory-daprd": { order: 4.47, idle: 4, memory: 63 },
  payment: { order: 3.58, idle: 7, memory: 70 },
  "payment-daprd": { order: 2.57, idle: 4, memory: 61 },
  notification: { order: 3.96, idle: 4, memory: 136 },
  "notification-daprd": { order: 2.98, idle: 2.5, memory: 61 },
  product: { order: 0, idle: 8.5, memory: 34 },
  "product-daprd": { order: 0, idle: 2.5, memory: 46 },
  user: { order: 0.02, idle: 4, memory: 51 },
  "user-daprd": { order: 0.01, idle: 2, memory: 47 },
  postgres: { order: 9.99, idle: 6.5, memory: 235 },
  scheduler: { order: 3.57, idle: 7, memory: 117 },
  placement: { order: 0, idle: 15, memory: 38 },
  redis: { order: 2.14, idle: 2, memory: 18 },
  provider: { order: 1.45, idle: 0, memory: 31 },
};
