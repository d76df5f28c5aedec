import { describe, expect, test } from "vitest";
import { PutProduct } from "../../contracts/product.js";
import { added, exists, removed, replaced, view } from "./product.js";

const [now, later] = ["2026-01-01T12:00:00.000Z", "2026-01-02T12:00:00.000Z"];
const id = "00000000-0000-4000-8000-0000000000aa";
const cup = PutProduct.parse({ name: " Cup ", price: "18.5", currency: "EUR" });

test("a product is shown as it was asked for, in the currency's decimals, without what is ours alone", () => {
  expect(view(added(cup, id, "hash", now))).toEqual({
    id,
    name: "Cup",
    description: "",
    price: "18.50",
    currency: "EUR",
    active: true,
    created_at: now,
    updated_at: now,
  });
});

test("what replaces it keeps its id, its birth and the request that added it", () => {
  const item = added(cup, id, "hash", now);
  const request = PutProduct.parse({ name: "Pot", price: "1.250", currency: "KWD", active: false });
  expect(replaced(item, request, later)).toEqual({
    ...{ id, name: "Pot", description: "", price: 1250, currency: "KWD", active: false },
    ...{ created_at: now, updated_at: later, request_hash: "hash" },
  });
});

test("what is removed stays in its row and does not exist", () => {
  const item = added(cup, id, "hash", now);
  expect([exists(item), exists(undefined), exists(removed(item, later))]).toEqual([true, false, false]);
  expect(removed(item, later)).toEqual({ ...item, deleted_at: later, updated_at: later });
});

describe("a price", () => {
  const wrong = (price: unknown, currency: string) => {
    const parsed = PutProduct.safeParse({ name: "Cup", price, currency });
    return parsed.error?.issues.map(({ path }) => path.join("."));
  };

  test.each([
    ["0", "EUR"],
    ["0.00", "EUR"],
    ["1.05", "EUR"],
    ["5", "JPY"],
    ["1.005", "KWD"],
    ["999999999999.99", "EUR"],
  ])("%s %s is one", (price, currency) => expect(wrong(price, currency)).toBeUndefined());

  test.each([
    ["1.005", "EUR", ["price"]],
    ["-1.00", "EUR", ["price"]],
    ["1.0", "JPY", ["price"]],
    ["1.0005", "KWD", ["price"]],
    ["1e3", "EUR", ["price"]],
    ["", "EUR", ["price"]],
    [18.5, "EUR", ["price"]],
    ["1", "ABC", ["currency"]],
    ["1", "eur", ["currency"]],
  ])("%j %s is none", (price, currency, fields) => expect([...new Set(wrong(price, currency))]).toEqual(fields));
});
