import { type CancelReason, known, type RefusalCode, type Words } from "./words.js";

const cancelled: Record<CancelReason, string> = {
  customer: "as you asked",
  staff: "by our staff",
  out_of_stock: "because an item is out of stock",
  payment_window_over: "because the payment did not arrive in time",
  refunded: "because the payment was given back",
};

const refused: Record<RefusalCode, string> = {
  card_declined: "because the card was declined",
  insufficient_funds: "because the account does not hold enough money",
};

export const en: Words = {
  order: (id) => `Order ${id}`,
  messages: {
    "orders.created": ({ total, currency, pay_by, payment_method }, { money, moment }) => ({
      subject: "We have your order",
      text: `Your order for ${money(total, currency)} has reached us.${
        pay_by && !payment_method ? ` Please pay by ${moment(pay_by)}.` : ""
      }`,
    }),
    "orders.paid": ({ amount, currency, payment_date }, { money, day }) => ({
      subject: "We have your payment",
      text: `Thank you: we received ${money(amount, currency)} on ${day(payment_date)}.`,
    }),
    "orders.payment_failed": ({ code }) => ({
      subject: "Your payment did not go through",
      text: `Your payment was refused${known(refused, code)}. You can pay again; your goods stay reserved for a while.`,
    }),
    "orders.processing": () => ({
      subject: "We are packing your order",
      text: "Your goods are reserved and are being packed.",
    }),
    "orders.shipped": ({ carrier, tracking_number, shipped_at }, { day }) => ({
      subject: "Your order is on its way",
      text: `We handed it to ${carrier} on ${day(shipped_at)}. The tracking number is ${tracking_number}.`,
    }),
    "orders.delivered": ({ delivered_at }, { day }) => ({
      subject: "Your order has arrived",
      text: `It was delivered on ${day(delivered_at)}. Enjoy it!`,
    }),
    "orders.cancelled": ({ reason }) => ({
      subject: "Your order is cancelled",
      text: `It was cancelled${known(cancelled, reason)}. If you have paid, the money comes back to you.`,
    }),
    "payments.refunded": ({ amount, currency, refunded_at }, { money, day }) => ({
      subject: "Your money is on its way back",
      text: `We paid ${money(amount, currency)} back on ${day(refunded_at)}.`,
    }),
  },
};
