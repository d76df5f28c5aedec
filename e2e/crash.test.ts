import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { crashes } from "./settings.js";
import { eventually, orderOf, place, product, reaches, signedIn, statementOf, stockOf, timelineOf } from "./system.js";

const ada = await signedIn("ada");
const { id, price } = product(5);

for (const left of readdirSync(crashes)) rmSync(join(crashes, left));
const arm = (name: string) => writeFileSync(join(crashes, name), "");
const died = (name: string) => !existsSync(join(crashes, name));

describe("a process that dies there leaves an order that goes on to the same end", () => {
  test.each([
    ["order.after-commit", "after its commit, before anything is said"],
    ["order.before-start", "before the saga is started"],
    ["order.before-tell", "before the saga is told that the goods are reserved"],
    ["order.before-acknowledge", "after it stored the payment's answer, before the broker knows"],
    ["payment.before-outcome", "after the provider charged, before the answer is stored"],
    ["payment.after-commit", "after its attempt or outcome is stored, before it is said"],
    ["payment.before-acknowledge", "after the charge, before the broker knows"],
    ["inventory.after-commit", "after the reservation, before it is said"],
    ["inventory.before-acknowledge", "after the stock moved, before the broker knows"],
  ])("%s: %s", async (point) => {
    const before = await stockOf(id);
    arm(point);
    const key = crypto.randomUUID();
    const placed = await eventually(
      () => place(ada, id, 1, "card_ok", key),
      ({ status }) => status === 201 || status === 200,
    );
    const order = await reaches(ada, placed.body.id, "processing", 40);
    expect(died(point)).toBe(true);
    expect(order).toMatchObject({ status: "processing", payment: { status: "succeeded", attempt: 1 } });
    expect(await statementOf(order.id)).toMatchObject({ net: price, charges: [{ status: "succeeded" }] });
    expect(await stockOf(id)).toMatchObject({
      on_hand: before.on_hand - 1,
      held: before.held,
      reserved: before.reserved + 1,
    });
    const moves = (await timelineOf(ada, order.id)).filter((entry) => entry.kind === "status");
    expect(moves.map((entry) => entry.status)).toEqual(["payment_required", "paid", "processing"]);
  });

  test("during a refund: the money comes back once", async () => {
    const { body } = await place(ada, id, 1, "card_ok");
    await reaches(ada, body.id, "processing");
    const before = await stockOf(id);
    arm("payment.before-refund-outcome");
    expect((await ada.cancelOrder({ params: { id: body.id }, body: {} })).status).toBe(200);
    const done = await eventually(
      () => orderOf(ada, body.id),
      (order) => order.payment.refund?.status === "done",
      40,
    );
    expect(died("payment.before-refund-outcome")).toBe(true);
    expect(done.payment.refund?.status).toBe("done");
    expect(await statementOf(body.id)).toMatchObject({ net: 0, refunds: [{ status: "succeeded" }] });
    expect(
      await eventually(
        () => stockOf(id),
        (stock) => stock.reserved < before.reserved,
      ),
    ).toMatchObject({
      on_hand: before.on_hand + 1,
      reserved: before.reserved - 1,
    });
  });
});
