import { expect, test } from "vitest";
import type { Product } from "../../contracts/product.js";
import type { Dapr } from "../../kit/dapr.js";
import { logger } from "../../kit/log.js";
import { Unavailable } from "../../kit/problem.js";
import { serviceClients } from "./service-clients.js";

const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const now = "2026-01-01T12:00:00.000Z";
const product = (id: string): Product => ({
  ...{ id, name: "Cup", description: "", price: "18.50", currency: "EUR", active: true },
  ...{ created_at: now, updated_at: now },
});

test("prices last known count while product is away; of very many products those asked for lately", async () => {
  let away = false;
  const ask = async (_: string, __: string, body: unknown) => {
    if (away) throw new Unavailable("product");
    return { products: (body as { product_ids: string[] }).product_ids.map(product) };
  };
  const { products } = serviceClients({ ask } as unknown as Dapr, logger("test", "silent"));
  const page = (n: number) => Array.from({ length: 100 }, (_, line) => id(n * 100 + line));
  for (let n = 0; n <= 100; n++) expect((await products(page(n))).size).toBe(100);
  away = true;
  expect((await products(page(100))).size).toBe(100);
  await expect(products(page(0))).rejects.toBeInstanceOf(Unavailable);
});
