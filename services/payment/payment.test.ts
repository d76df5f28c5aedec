import { describe, expect, test } from "vitest";
import { type Account, type ChargeOutcome, type Command, decide, due, openAccount } from "./payment.js";

const now = "2026-01-01T12:00:00.000Z";
const later = "2026-01-01T12:05:00.000Z";
const charge: Command = {
  type: "charge",
  attempt: 1,
  payment_id: "p1",
  method: "card_ok",
  amount: 500,
  currency: "EUR",
};
const charged = (outcome: ChargeOutcome): Command => ({ type: "charged", payment_id: "p1", refund_id: "r1", outcome });
const ok = charged({ kind: "succeeded", provider_id: "c1" });
const cancel: Command = { type: "cancel", refundId: (id) => `r-${id}` };

/** Plays commands one after the other; gives the account and the topics said. */
function play(...commands: Command[]) {
  let account: Account = openAccount("o", "u");
  const said: string[] = [];
  for (const command of commands) {
    const { next, say } = decide(account, command, now);
    account = next ?? account;
    said.push(...say.map((s) => s.topic));
  }
  return { account, said, payment: account.payments.at(-1) };
}

describe("charge", () => {
  test("is stored before it is tried, and says what came of it", () => {
    expect(play(charge)).toMatchObject({
      said: [],
      payment: { status: "pending", check_at: "2026-01-01T12:00:10.000Z" },
    });
    expect(play(charge, ok)).toMatchObject({
      said: ["payments.succeeded"],
      payment: { status: "succeeded", provider_id: "c1" },
    });
    const declined = charged({ kind: "declined", code: "card_declined" });
    expect(play(charge, declined)).toMatchObject({
      said: ["payments.failed"],
      payment: { status: "failed", code: "card_declined" },
    });
  });

  test("asked again, it says the stored answer again and does not charge again", () => {
    const { account } = play(charge, ok);
    expect(decide(account, charge, later)).toEqual({
      say: [{ topic: "payments.succeeded", payment: account.payments[0] }],
    });
  });

  test("an unknown outcome is no failure: it stays pending and is due again", () => {
    const { account, said, payment } = play(charge, charged({ kind: "unknown" }));
    expect([said, payment?.status]).toEqual([[], "pending"]);
    expect(due(account, now).charges).toEqual([]);
    expect(due(account, later).charges).toHaveLength(1);
    expect(account.due_at).toBe("2026-01-01T12:00:02.000Z");
  });

  test("after the cancel nothing is charged", () => {
    expect(play(cancel, charge)).toMatchObject({
      said: ["payments.failed"],
      payment: { status: "failed", code: "order_cancelled" },
    });
  });

  test("a success that is known only after the cancel is given back", () => {
    const { account, said } = play(charge, cancel, ok);
    expect(said).toEqual(["payments.succeeded"]);
    expect(due(account, now).refunds).toHaveLength(1);
  });
});

describe("refund", () => {
  const done: Command = { type: "refunded", payment_id: "p1", outcome: { kind: "done" } };
  const failed: Command = { type: "refunded", payment_id: "p1", outcome: { kind: "failed", code: "no" } };

  test("a cancel owes what was taken, once", () => {
    const { account } = play(charge, ok, cancel);
    expect(due(account, now).refunds).toHaveLength(1);
    expect(decide(account, cancel, later).next).toBeUndefined();
    expect(play(charge, ok, cancel, done)).toMatchObject({
      said: ["payments.succeeded", "payments.refunded"],
      account: { due_at: null },
    });
  });

  test("a failed one is said and tried again later; done is done", () => {
    const { account, said } = play(charge, ok, cancel, failed);
    expect(said.at(-1)).toBe("payments.refund_failed");
    expect([due(account, now).refunds.length, due(account, later).refunds.length]).toEqual([0, 1]);
    const after = play(charge, ok, cancel, failed, done, failed);
    expect(after.payment?.refund).toMatchObject({ status: "done", tries: 2 });
  });

  test("a repeated cancel says again that the money is back", () => {
    const { account } = play(charge, ok, cancel, done);
    expect(decide(account, cancel, later).say.map((s) => s.topic)).toEqual(["payments.succeeded", "payments.refunded"]);
  });

  test("a success that the order does not count is given back by its id, also one that came from elsewhere", () => {
    const refund: Command = { type: "refund", payment_id: "p1", refund_id: "r1", amount: 500, currency: "EUR" };
    expect(due(play(charge, ok, refund).account, now).refunds).toHaveLength(1);
    const foreign = play({ ...refund, payment_id: "x" }).payment;
    expect(foreign).toMatchObject({ provider: "external", refund: { status: "pending", next_try_at: null } });
  });
});

// The account remembers its latest ids only (kit/aggregate.ts): what it has forgotten must change nothing either.
test.each<[string, Command[]]>([
  ["taken and given back", [charge, ok, cancel, { type: "refunded", payment_id: "p1", outcome: { kind: "done" } }]],
  ["refused", [charge, charged({ kind: "declined", code: "card_declined" }), cancel]],
  ["cancelled first", [cancel, charge, ok]],
  [
    "external",
    [
      { type: "register", payment_id: "p2", reference: "x", amount: 500, currency: "EUR" },
      { type: "refund", payment_id: "p2", refund_id: "r2", amount: 500, currency: "EUR" },
      { type: "record_refund", payment_id: "p2", reference: "y" },
    ],
  ],
])("a forgotten command that comes again changes nothing: %s", (_, commands) => {
  let account: Account = openAccount("o", "u");
  commands.forEach((command, n) => {
    account = decide(account, command, now).next ?? account;
    const again = commands.slice(0, n + 1).filter((one) => decide(account, one, later).next !== undefined);
    expect(again).toEqual([]);
  });
});

describe("what the provider's ledger has and the account has not", () => {
  const witnessed = {
    ...{ payment_id: "p1", attempt: 1, method: "card_ok", amount: 500, currency: "EUR" },
    ...{ provider_id: "c1", code: null, charged_at: "2026-01-01T11:00:00.000Z", refunded_at: null },
  };
  const recovered = (over: Partial<Omit<Command & { type: "recovered" }, "type">> = {}): Command => ({
    ...{ type: "recovered", refund_id: "r1", ...witnessed, ...over },
  });
  const refunded_at = "2026-01-01T11:30:00.000Z";

  test("becomes a payment, and is told", () => {
    expect(play(recovered())).toMatchObject({
      said: ["payments.succeeded"],
      payment: { status: "succeeded", provider_id: "c1", payment_date: "2026-01-01T11:00:00.000Z", refund: null },
    });
    expect(play(recovered({ code: "card_declined" }))).toMatchObject({
      said: ["payments.failed"],
      payment: { status: "failed", code: "card_declined" },
    });
  });

  test("settles an attempt that was pending", () => {
    expect(play(charge, recovered())).toMatchObject({
      said: ["payments.succeeded"],
      payment: { status: "succeeded", check_at: null },
      account: { due_at: null },
    });
  });

  test("is owed when the order was cancelled", () => {
    expect(play(cancel, recovered()).payment).toMatchObject({ refund: { status: "pending", refund_id: "r1" } });
  });

  test("that was given back is not given back again", () => {
    for (const story of [[recovered({ refunded_at })], [charge, ok, recovered({ refunded_at })]] as Command[][])
      expect(play(...story)).toMatchObject({
        said: expect.arrayContaining(["payments.refunded"]),
        payment: { refund: { status: "done", refunded_at } },
        account: { due_at: null },
      });
    const { account } = play(charge, ok, cancel, recovered({ refunded_at }));
    expect(due(account, later).refunds).toEqual([]);
  });

  test("is no news when the account knows it", () => {
    for (const known of [[charge, ok], [recovered()], [recovered({ refunded_at })]] as Command[][]) {
      const before = play(...known);
      const after = play(...known, known[0] === charge ? recovered() : (known[0] as Command));
      expect(after.account).toEqual(before.account);
      expect(after.said).toEqual(before.said);
    }
  });
});
