import { expect, test } from "vitest";
import type { Product } from "../contracts/product.js";
import { deal, type Line, type Shelf } from "./demo-basket.js";
import { saleOf } from "./demo-upstream.js";

const shelf = (name: string, available: number, price = "18.50"): Shelf => ({
  product: { id: name, name, price, currency: "EUR" } as Product,
  before: { product_id: name, on_hand: available, held: 0, available, reserved: 0 },
});
const inWords = (lines: Line[]) => lines.map(({ quantity, product }) => `${quantity} ${product.name}`);

test("every basket has products of its own: sold from the fullest shelves, sold out from the emptiest", () => {
  const shop = [shelf("cups", 20), shelf("dripper", 1), shelf("mill", 30), shelf("spoon", 10)];

  expect(deal([[2, 1], "one too many", [1]], shop).map(inWords)).toEqual([
    ["2 mill", "1 cups"],
    ["2 dripper"],
    ["1 spoon"],
  ]);
});

test("a shop with too little on its shelves is sold out", () => {
  expect(() => deal([[1], [2]], [shelf("cups", 20), shelf("mill", 1)])).toThrow("sold out");
  expect(() => deal([[1], "one too many"], [shelf("cups", 20)])).toThrow("sold out");
});

test("a checkout's order adds up, and says only what the checkout knows", () => {
  const [basket] = deal([[3, 1]], [shelf("cups", 20), shelf("mill", 10, "6.05")]);
  const { order_id: _, ...sale } = saleOf(basket!, { userId: "ada", payWithin: 6 }, Date.parse("2026-11-21T05:00:00Z"));

  expect(sale).toEqual({
    user_id: "ada",
    total: "61.55",
    currency: "EUR",
    items_count: 2,
    items: [
      { product_id: "cups", quantity: 3, price: "18.50" },
      { product_id: "mill", quantity: 1, price: "6.05" },
    ],
    pay_by: "2026-11-21T05:00:06.000Z",
  });
});
