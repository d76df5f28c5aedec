import type { EventOf } from "../../contracts/events.js";
import { de } from "./de.js";
import { en } from "./en.js";
import type { Format, Text, Told, Words } from "./words.js";

const languages: Record<string, Words> = { en, de };

/** The locale where we speak its language ("de-AT"), else English. */
export const spoken = (locale: string): string => (languages[languageOf(locale)] ? locale : "en");

const languageOf = (locale: string): string => locale.slice(0, 2);
const wordsOf = (locale: string): Words => languages[languageOf(locale)] ?? en;

/** What a customer reads about an event. `locale` is one that is spoken. */
export function message<T extends Told>(topic: T, data: EventOf<T>, locale: string): Text {
  return wordsOf(locale).messages[topic](data, formatOf(locale));
}

/** Amounts stay decimal strings up to the formatter, which takes them as they are. */
function formatOf(locale: string): Format {
  const day = { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" } as const;
  const moment = { ...day, hour: "2-digit", minute: "2-digit", timeZoneName: "short" } as const;
  return {
    money: (amount, currency) =>
      new Intl.NumberFormat(locale, { style: "currency", currency }).format(amount as Intl.StringNumericLiteral),
    day: (time) => new Intl.DateTimeFormat(locale, day).format(new Date(time)),
    moment: (time) => new Intl.DateTimeFormat(locale, moment).format(new Date(time)),
  };
}

type Letter = Text & { locale: string; order_id: string };

/** The SMTP binding's request: it sends HTML, and takes the address and the subject as headers. */
export function mail(to: string, { locale, subject, text, order_id }: Letter) {
  const html = [
    `<!doctype html><html lang="${escaped(locale)}"><head><meta charset="utf-8"></head><body>`,
    `<p>${escaped(text)}</p><p>${escaped(wordsOf(locale).order(order_id))}</p>`,
    "</body></html>",
  ].join("");
  return { operation: "create", metadata: { emailTo: inHeader(to), subject: inHeader(subject) }, data: html };
}

/** No line break and no other control character: what follows one would be a header of its own. */
const inHeader = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim();

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text: string): string => text.replace(/[&<>"']/g, (sign) => entities[sign] as string);
