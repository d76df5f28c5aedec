import { describe, expect, test } from "vitest";
import { Email } from "../../contracts/user.js";
import { mail, message, spoken } from "./message.js";
import { type Told, told } from "./words.js";

const about = { order_id: "00000000-0000-4000-8000-00000000000a", user_id: "00000000-0000-4000-8000-000000000003" };
const at = "2026-11-21T05:17:19.000Z";
const money = { amount: "1234.50", currency: "EUR" };
const payment_id = "00000000-0000-4000-8000-00000000000b";

const data = {
  "orders.created": { ...about, total: "1234.50", currency: "EUR", items_count: 1, items: [], pay_by: at },
  "orders.paid": { ...about, ...money, payment_id, payment_date: at, items: [] },
  "orders.payment_failed": { ...about, reason: "Karte", code: "card_declined" },
  "orders.processing": { ...about, reservation_id: payment_id },
  "orders.shipped": { ...about, shipped_at: at, tracking_number: "T-1", carrier: "Post" },
  "orders.delivered": { ...about, delivered_at: at },
  "orders.cancelled": { ...about, reason: "out_of_stock", cancelled_at: at },
  "payments.refunded": { ...about, ...money, payment_id, refund_id: payment_id, refunded_at: at },
};

/** As a reader sees it: all spaces alike. */
const read = <T extends Told>(topic: T, locale: string, more: object = {}) => {
  const { subject, text } = message(topic, { ...data[topic], ...more } as never, locale);
  return { subject, text: text.replace(/[\u00a0\u202f]/g, " ") };
};

describe("a message", () => {
  test.each(["en", "de"].flatMap((locale) => told.map((topic) => [locale, topic] as const)))(
    "in %s about %s is whole",
    (locale, topic) => {
      const { subject, text } = read(topic, locale);
      expect(subject.length).toBeGreaterThan(5);
      expect(text).toMatch(/^[A-ZÄÖÜ].*[.!]$/);
      expect(`${subject} ${text}`).not.toMatch(/undefined|null|Invalid|NaN|\$\{|\s\s/);
    },
  );

  test("differs from language to language", () => {
    for (const topic of told) expect(read(topic, "en").subject).not.toBe(read(topic, "de").subject);
  });

  test.each([
    ["en", "€1,234.50", "November 21, 2026"],
    ["en-GB", "€1,234.50", "21 November 2026"],
    ["de", "1.234,50 €", "21. November 2026"],
    ["de-AT", "€ 1.234,50", "21. November 2026"],
  ])("in %s has amounts and dates as they are written there", (locale, amount, day) => {
    expect(read("orders.paid", locale).text).toContain(amount);
    expect(read("orders.paid", locale).text).toContain(day);
    expect(read("payments.refunded", locale).text).toContain(amount);
    expect(read("orders.created", locale).text).toMatch(/5:17.*UTC/);
  });

  test("keeps every digit of an amount, and no more decimals than the currency has", () => {
    expect(read("orders.paid", "en", { amount: "123456789012.34" }).text).toContain("€123,456,789,012.34");
    expect(read("orders.paid", "en", { amount: "2500", currency: "JPY" }).text).toContain("¥2,500 ");
    expect(read("orders.paid", "de", { amount: "0.10" }).text).toContain("0,10 €");
  });

  test("asks for money by a date only where no payment is under way", () => {
    expect(read("orders.created", "en").text).toContain("Please pay by");
    expect(read("orders.created", "en", { payment_method: "card_ok" }).text).not.toContain("pay by");
    expect(read("orders.created", "de", { pay_by: undefined }).text).not.toContain("Bitte");
  });

  test.each([
    ["customer", "as you asked", "wie von Ihnen gewünscht"],
    ["staff", "by our staff", "von unserem Team"],
    ["out_of_stock", "out of stock", ", weil ein Artikel"],
    ["payment_window_over", "in time", ", weil die Zahlung"],
    ["refunded", "was given back", ", weil die Zahlung zurückgegeben"],
  ])("names the reason %s of a cancel", (reason, english, german) => {
    expect(read("orders.cancelled", "en", { reason }).text).toContain(english);
    expect(read("orders.cancelled", "de", { reason }).text).toContain(german);
  });

  test.each(["card_declined", "insufficient_funds"])("names the refusal %s", (code) => {
    expect(read("orders.payment_failed", "en", { code }).text).toContain("refused because");
    expect(read("orders.payment_failed", "de", { code }).text).toContain("abgelehnt, weil");
  });

  test.each([undefined, "Call me on 555", "constructor", "__proto__", ""])("leaves out the reason %j", (word) => {
    expect(read("orders.cancelled", "en", { reason: word }).text).toMatch(/^It was cancelled\. /);
    expect(read("orders.payment_failed", "de", { code: word ?? "fraud" }).text).toMatch(
      /^Ihre Zahlung wurde abgelehnt\. /,
    );
  });
});

test("a locale is taken where its language is spoken, else it is English", () => {
  expect(["de", "de-AT", "en-GB", "fr", "fr-CH"].map(spoken)).toEqual(["de", "de-AT", "en-GB", "en", "en"]);
});

describe("a mail", () => {
  const letter = { locale: "de-AT", subject: "Unterwegs", text: "Mit der Post.", order_id: about.order_id };

  test("names its language, its order and one recipient", () => {
    const { metadata, data } = mail("eve@example.com", letter);
    expect(metadata).toEqual({ emailTo: "eve@example.com", subject: "Unterwegs" });
    expect(data).toContain('<html lang="de-AT">');
    expect(data).toContain(`<p>Mit der Post.</p><p>Bestellung ${about.order_id}</p>`);
  });

  test.each([
    "\r\nBcc: m@example.com",
    "\nBcc: m@example.com",
    "\rX: y",
    "\u2028X: y",
    "\u0085X: y",
    "\0X: y",
    "\r\n X: y",
  ])("has no header of its subject's making: %j", (tail) => {
    const { metadata } = mail(`eve@example.com${tail}`, { ...letter, subject: `Unterwegs${tail}` });
    for (const value of Object.values(metadata)) expect(value).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
    expect(metadata.subject).toMatch(/^Unterwegs +(Bcc|X): /);
  });

  test("takes text as text", () => {
    const { data } = mail("eve@example.com", { ...letter, text: `<a href="x">'&'</a>` });
    expect(data).toContain("<p>&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;</p>");
  });

  test.each([
    "a@b.example;m@example.com",
    "a@b.example,m@example.com",
    "a@b.example\r\nBcc: m@example.com",
    "A <a@b.example>",
  ])("goes to one address: %j is none that an account can have", (address) =>
    expect(Email.safeParse(address).success).toBe(false),
  );
});
