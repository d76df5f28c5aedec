import type { EventOf, Topic } from "../../contracts/events.js";

/** The events that a customer hears of. */
export const told = [
  "orders.created",
  "orders.paid",
  "orders.payment_failed",
  "orders.processing",
  "orders.shipped",
  "orders.delivered",
  "orders.cancelled",
  "payments.refunded",
] as const satisfies Topic[];
export type Told = (typeof told)[number];

export type Text = { subject: string; text: string };
export type Format = {
  money: (amount: string, currency: string) => string;
  /** In UTC: nobody told us where the customer is. */
  day: (time: string) => string;
  moment: (time: string) => string;
};

/** One language. Subjects are fixed words, so that nothing that anyone typed gets into a header. */
export type Words = {
  order: (id: string) => string;
  messages: { [T in Told]: (data: EventOf<T>, format: Format) => Text };
};

export type CancelReason = "customer" | "staff" | "out_of_stock" | "payment_window_over" | "refunded";
export type RefusalCode = "card_declined" | "insufficient_funds";

/** With a space before it; nothing for what has no translation: it may be anyone's text. */
export const known = (words: Record<string, string>, word = ""): string =>
  Object.hasOwn(words, word) ? ` ${words[word]}` : "";
