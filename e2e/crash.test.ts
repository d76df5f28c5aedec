import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { faults } from "./settings.js";
import { eventually, orderOf, place, product, reaches, signedIn, statementOf, stockOf, timelineOf } from "./system.js";

const ada = await signedIn("ada");
const { id, price } = product(5);

for (const left of readdirSync(faults)) rmSync(join(faults, left));
/** The process that passes this point with these texts dies there. */
const arm = (point: string, texts = "") => writeFileSync(join(faults, point), `crash 1 ${texts}`);
const died = (point: string) => !existsSync(join(faults, point));

describe("a process that dies there leaves an order that goes on to the same end", () => {
  test.each([
    ["order.after-call", `/transaction ${id}`, "after its commit, before anything is said"],
    ["order.before-call", "/start?instanceID", "before the saga is started"],
    ["order.before-call", "/raiseEvent/", "before the saga is told that the goods are reserved"],
    ["order.before-acknowledge", "", "after it stored the payment's answer, before the broker knows"],
    ["payment.after-call", "/charges", "after the provider charged, before the answer is stored"],
    ["payment.after-call", '/transaction "payments.succeeded"', "after the outcome is stored, before it is said"],
    ["payment.before-acknowledge", "", "after the charge, before the broker knows"],
    ["inventory.after-call", '/transaction "inventory.reserved"', "after the reservation, before it is said"],
    ["inventory.before-acknowledge", "", "after the stock moved, before the broker knows"],
  ])("%s %s: %s", async (point, texts) => {
    const before = await stockOf(id);
    arm(point, texts);
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
    arm("payment.after-call", "/refunds");
    expect((await ada.cancelOrder({ params: { id: body.id }, body: {} })).status).toBe(200);
    const done = await eventually(
      () => orderOf(ada, body.id),
      (order) => order.payment.refund?.status === "done",
      40,
    );
    expect(died("payment.after-call")).toBe(true);
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
