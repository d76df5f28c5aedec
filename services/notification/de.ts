import { type CancelReason, known, type RefusalCode, type Words } from "./words.js";

const cancelled: Record<CancelReason, string> = {
  customer: "wie von Ihnen gewünscht",
  staff: "von unserem Team",
  out_of_stock: "weil ein Artikel nicht mehr vorrätig ist",
  payment_window_over: "weil die Zahlung nicht rechtzeitig eingegangen ist",
  refunded: "weil die Zahlung zurückgegeben wurde",
};

const refused: Record<RefusalCode, string> = {
  card_declined: "weil die Karte nicht angenommen wurde",
  insufficient_funds: "weil das Konto nicht gedeckt ist",
};

/** "…, weil …" takes a comma, the rest does not. */
const because = (words: Record<string, string>, word?: string): string =>
  known(words, word).replace(/^ weil /, ", weil ");

export const de: Words = {
  order: (id) => `Bestellung ${id}`,
  messages: {
    "orders.created": ({ total, currency, pay_by, payment_method }, { money, moment }) => ({
      subject: "Wir haben Ihre Bestellung erhalten",
      text: `Ihre Bestellung über ${money(total, currency)} ist bei uns eingegangen.${
        pay_by && !payment_method ? ` Bitte zahlen Sie bis ${moment(pay_by)}.` : ""
      }`,
    }),
    "orders.paid": ({ amount, currency, payment_date }, { money, day }) => ({
      subject: "Wir haben Ihre Zahlung erhalten",
      text: `Vielen Dank: ${money(amount, currency)} sind am ${day(payment_date)} bei uns eingegangen.`,
    }),
    "orders.payment_failed": ({ code }) => ({
      subject: "Ihre Zahlung hat nicht geklappt",
      text: `Ihre Zahlung wurde abgelehnt${because(refused, code)}. Sie können erneut zahlen; Ihre Ware bleibt noch eine Weile reserviert.`,
    }),
    "orders.processing": () => ({
      subject: "Wir packen Ihre Bestellung",
      text: "Ihre Ware ist reserviert und wird verpackt.",
    }),
    "orders.shipped": ({ carrier, tracking_number, shipped_at }, { day }) => ({
      subject: "Ihre Bestellung ist unterwegs",
      text: `Wir haben sie am ${day(shipped_at)} an ${carrier} übergeben. Die Sendungsnummer ist ${tracking_number}.`,
    }),
    "orders.delivered": ({ delivered_at }, { day }) => ({
      subject: "Ihre Bestellung ist angekommen",
      text: `Sie wurde am ${day(delivered_at)} zugestellt. Viel Freude damit!`,
    }),
    "orders.cancelled": ({ reason }) => ({
      subject: "Ihre Bestellung ist storniert",
      text: `Sie wurde storniert${because(cancelled, reason)}. Falls Sie schon gezahlt haben, erhalten Sie das Geld zurück.`,
    }),
    "payments.refunded": ({ amount, currency, refunded_at }, { money, day }) => ({
      subject: "Ihr Geld ist auf dem Rückweg",
      text: `Wir haben am ${day(refunded_at)} ${money(amount, currency)} zurückgezahlt.`,
    }),
  },
};
