import { z } from "zod";
import { Currency } from "./common.js";

// What an operator may set while the system runs (`npm run config`). The configuration store keeps text; a key that it
// does not have has its default.

/** `form` tells whoever set it wrong what is expected; `otherwise` is the default, as text. */
type Setting = { is: string; form: string; otherwise: string; value: z.ZodType<unknown, string> };

const whole = (min: number, max: number) => ({
  form: `a whole number from ${min} to ${max}`,
  value: z
    .string()
    .regex(/^\d{1,12}$/, "not a whole number")
    .transform(Number)
    .pipe(z.int().min(min).max(max)),
});

const levels = ["fatal", "error", "warn", "info", "debug"] as const;

const json = z.string().transform((text, ctx): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    ctx.addIssue("not JSON");
    return z.NEVER;
  }
});

/** By currency, then by country; "*" is any country that is not named. 1900 is 19 %. */
export const TaxRates = z.record(
  Currency,
  z.record(z.string().regex(/^([A-Z]{2}|\*)$/, 'neither a country nor "*"'), z.int().min(0).max(10_000)),
);
export type TaxRates = z.infer<typeof TaxRates>;

export const settings = {
  payment_window_seconds: { is: "seconds a customer has to pay", otherwise: "1800", ...whole(1, 31_536_000) },
  repeat_interval_seconds: { is: "seconds until the saga first asks again", otherwise: "15", ...whole(1, 3_600) },
  currencies: {
    is: "what products and orders may be priced in",
    form: "ISO 4217 codes with commas between: EUR,JPY",
    otherwise: "EUR,USD,GBP,CHF,JPY,KWD",
    value: z
      .string()
      .transform((text) => text.split(",").map((code) => code.trim()))
      .pipe(z.array(Currency)),
  },
  tax_rates: {
    is: "tax by currency and the customer's country, in hundredths of a percent",
    form: 'JSON by currency and country, "*" for any other country, 0 to 10000: {"EUR":{"DE":1900,"*":0}}',
    otherwise: "{}",
    value: json.pipe(TaxRates),
  },
  requests_per_minute: { is: "requests a client may send", otherwise: "6000", ...whole(1, 1_000_000) },
  sign_ins_per_minute: { is: "sign-ins a client may try", otherwise: "30", ...whole(1, 1_000_000) },
  log_level: {
    is: "how much every service writes to its log; default: as it was started",
    form: `one of default, ${levels.join(", ")}`,
    otherwise: "default",
    value: z.enum(["default", ...levels]),
  },
  keep_idempotency_keys_days: {
    is: "days for which a command's Idempotency-Key is remembered; an order's is for good",
    otherwise: "7",
    ...whole(1, 3_650),
  },
  // The row is also what tells an event that comes again, so it stays as long as any event id is promised to.
  keep_notifications_days: {
    is: "days after which a notification that is no longer pending is deleted",
    otherwise: "365",
    ...whole(7, 3_650),
  },
  keep_dead_letters_days: {
    is: "days after which a dead letter that nobody decides about is deleted",
    otherwise: "90",
    ...whole(7, 3_650),
  },
} satisfies Record<string, Setting>;

export type Key = keyof typeof settings;
export type Settings = { [K in Key]: z.output<(typeof settings)[K]["value"]> };

/** What a stored text means, or a sentence with what is wrong and what is expected. */
export function readSetting<K extends Key>(
  key: K,
  text: string | undefined,
): { value: Settings[K] } | { wrong: string } {
  const { value, form, otherwise }: Setting = settings[key];
  const parsed = value.safeParse(text ?? otherwise);
  if (parsed.success) return { value: parsed.data as Settings[K] };
  const problems = parsed.error.issues.map(({ path, message }) => [...path, message].join(": "));
  return { wrong: `${key} is ${JSON.stringify(text)} (${problems.join("; ")}), expected ${form}` };
}
