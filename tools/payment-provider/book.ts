import { v5 as uuidOf } from "uuid";
import { z } from "zod";

const NAMESPACE = "3f0c7a52-5b0e-4d8b-9a77-6f0f3f1f8c11";

const Amount = z.int().nonnegative();
const Currency = z.string().regex(/^[A-Z]{3}$/);

export const Method = z.enum([
  "card_ok",
  "card_declined",
  "card_insufficient_funds",
  "card_timeout_then_ok",
  "card_flaky",
  "card_refund_fails_once",
]);
export const ChargeRequest = z.strictObject({
  amount: Amount,
  currency: Currency,
  payment_method: Method,
  reference: z.string().min(1).max(255).optional(),
});
export const RefundRequest = z.strictObject({ charge_id: z.uuid(), amount: Amount, currency: Currency });

const outcome = { key: z.string(), code: z.string().optional(), at: z.string() };
const Charge = z.object({
  ...ChargeRequest.shape,
  ...outcome,
  charge_id: z.uuid(),
  status: z.enum(["succeeded", "declined"]),
});
const Refund = z.object({
  ...RefundRequest.shape,
  ...outcome,
  refund_id: z.uuid(),
  status: z.enum(["succeeded", "failed"]),
});
export const Entry = z.discriminatedUnion("type", [
  Charge.extend({ type: z.literal("charge") }),
  Refund.extend({ type: z.literal("refund") }),
]);

export type ChargeRequest = z.infer<typeof ChargeRequest>;
export type RefundRequest = z.infer<typeof RefundRequest>;
export type Charge = z.infer<typeof Charge>;
export type Refund = z.infer<typeof Refund>;
export type Entry = z.infer<typeof Entry>;

/** All charges and refunds, findable the ways they are asked for. */
export type Book = {
  charges: Map<string, Charge>;
  refunds: Map<string, Refund>;
  chargeById: Map<string, Charge>;
  chargesOf: Map<string, Charge[]>;
  refundsOf: Map<string, Refund[]>;
};

export function emptyBook(): Book {
  return { charges: new Map(), refunds: new Map(), chargeById: new Map(), chargesOf: new Map(), refundsOf: new Map() };
}

export function enter(book: Book, entry: Entry): void {
  if (entry.type === "charge") {
    const { type: _, ...charge } = entry;
    book.charges.set(charge.key, charge);
    book.chargeById.set(charge.charge_id, charge);
    if (charge.reference) book.chargesOf.set(charge.reference, [...chargesOf(book, charge.reference), charge]);
  } else {
    const { type: _, ...refund } = entry;
    const others = refundsOf(book, refund.charge_id).filter(({ key }) => key !== refund.key);
    book.refunds.set(refund.key, refund);
    book.refundsOf.set(refund.charge_id, [...others, refund]);
  }
}

export const chargesOf = (book: Book, reference: string): Charge[] => book.chargesOf.get(reference) ?? [];
export const refundsOf = (book: Book, chargeId: string): Refund[] => book.refundsOf.get(chargeId) ?? [];

export function decideCharge(key: string, request: ChargeRequest, at: string): Charge {
  const charge = { ...request, key, charge_id: uuidOf(`charge ${key}`, NAMESPACE), at };
  switch (request.payment_method) {
    case "card_declined":
      return { ...charge, status: "declined", code: "card_declined" };
    case "card_insufficient_funds":
      return { ...charge, status: "declined", code: "insufficient_funds" };
    default:
      return { ...charge, status: "succeeded" };
  }
}

type RefundDecision = { kind: "refund"; refund: Refund } | { kind: "refused"; reason: string };

export function decideRefund(
  book: Book,
  charge: Charge,
  key: string,
  request: RefundRequest,
  at: string,
): RefundDecision {
  const earlier = refundsOf(book, charge.charge_id);
  if (charge.status !== "succeeded") return { kind: "refused", reason: "The charge was declined: nothing to refund." };
  if (charge.currency !== request.currency) return { kind: "refused", reason: `The charge is in ${charge.currency}.` };
  if (sum(earlier) + request.amount > charge.amount)
    return { kind: "refused", reason: `Only ${charge.amount - sum(earlier)} of ${charge.amount} is left to refund.` };

  const refund = { ...request, key, refund_id: uuidOf(`refund ${key}`, NAMESPACE), at };
  const fails = charge.payment_method === "card_refund_fails_once" && earlier.length === 0;
  return {
    kind: "refund",
    refund: fails ? { ...refund, status: "failed", code: "refund_rejected" } : { ...refund, status: "succeeded" },
  };
}

export function statementOf(book: Book, reference: string) {
  const charges = chargesOf(book, reference);
  const refunds = charges.flatMap(({ charge_id }) => refundsOf(book, charge_id));
  return { charges, refunds, net: sum(charges) - sum(refunds) };
}

/** Charges since a time whose money is still here, 100 at once from a place in the book. */
export function takenSince(book: Book, since: string, from: number) {
  const later = [...book.charges.values()].filter(({ at, status }) => at >= since && status === "succeeded");
  const charges = later.slice(from, from + 100).filter((c) => sum(refundsOf(book, c.charge_id)) < c.amount);
  return { charges, next: from + 100 < later.length ? from + 100 : null };
}

/** What was charged and refunded, by reference. */
export const statementsOf = (book: Book) =>
  [...book.chargesOf.keys()].map((reference) => ({ reference, ...statementOf(book, reference) }));

type Totals = { charged: number; refunded: number; net: number; charges: number; refunds: number };

/** What was really taken and given back, by currency; declined charges and failed refunds move no money. */
export function totalsOf(book: Book): Record<string, Totals> {
  const totals: Record<string, Totals> = {};
  const totalOf = (currency: string) =>
    (totals[currency] ??= { charged: 0, refunded: 0, net: 0, charges: 0, refunds: 0 });
  for (const { amount, currency } of moved(book.charges.values())) {
    const { charged, net, charges } = totalOf(currency);
    Object.assign(totalOf(currency), { charged: charged + amount, net: net + amount, charges: charges + 1 });
  }
  for (const { amount, currency } of moved(book.refunds.values())) {
    const { refunded, net, refunds } = totalOf(currency);
    Object.assign(totalOf(currency), { refunded: refunded + amount, net: net - amount, refunds: refunds + 1 });
  }
  return totals;
}

const sum = (movements: (Charge | Refund)[]) => moved(movements).reduce((total, { amount }) => total + amount, 0);

function moved(movements: Iterable<Charge | Refund>): (Charge | Refund)[] {
  return [...movements].filter(({ status }) => status === "succeeded");
}
