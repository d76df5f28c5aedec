import { type EventOf, events, type Topic } from "../../contracts/events.js";

/** Which events a customer hears of, and in what words. */
export const words: { [T in Topic]?: (data: EventOf<T>) => { subject: string; text: string } } = {
  "orders.created": ({ total, currency }) => ({
    subject: "We have your order",
    text: `Your order over ${total} ${currency} is with us.`,
  }),
  "orders.paid": ({ amount, currency }) => ({
    subject: "Payment received",
    text: `Thank you, we have received ${amount} ${currency}.`,
  }),
  "orders.payment_failed": ({ reason }) => ({
    subject: "Your payment did not work",
    text: `The payment was refused: ${reason}. You can pay again; your goods stay reserved for a while.`,
  }),
  "orders.processing": () => ({
    subject: "We are packing your order",
    text: "Your goods are reserved and being packed.",
  }),
  "orders.shipped": ({ carrier, tracking_number }) => ({
    subject: "Your order is on its way",
    text: `${carrier} brings it; the tracking number is ${tracking_number}.`,
  }),
  "orders.delivered": () => ({ subject: "Delivered", text: "Your order has arrived. Enjoy!" }),
  "orders.cancelled": ({ reason }) => ({
    subject: "Your order is cancelled",
    text: `It was cancelled (${(reason ?? "no reason given").replaceAll("_", " ")}). What you paid comes back to you.`,
  }),
  "payments.refunded": ({ amount, currency }) => ({
    subject: "Money on its way back",
    text: `${amount} ${currency} were paid back.`,
  }),
};

export const topics = Object.keys(words).filter((topic): topic is Topic => topic in events);
