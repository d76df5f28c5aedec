/** Money is an integer number of minor units inside (cents for EUR, yen for JPY) and a decimal string outside. */

const currencies = new Set(Intl.supportedValuesOf("currency"));
/** Whether ISO 4217 knows the code, by the table that ships with the runtime. */
export const isCurrency = (code: string): boolean => currencies.has(code);

const known = new Map<string, number>();

/** How many decimals a currency has, from the same table: EUR 2, JPY 0, KWD 3. */
export function minorDigits(currency: string): number {
  let digits = known.get(currency);
  if (digits === undefined) {
    digits = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;
    known.set(currency, digits);
  }
  return digits;
}

/** 2500, "EUR" → "25.00" */
export function toDecimal(minor: number, currency: string): string {
  const digits = minorDigits(currency);
  const sign = minor < 0 ? "-" : "";
  const text = String(Math.abs(minor)).padStart(digits + 1, "0");
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** "25.00", "EUR" → 2500; undefined when the text is no amount of that currency ("25.001", "1e3") or there is none such. */
export function toMinor(decimal: string, currency: string): number | undefined {
  if (!isCurrency(currency)) return undefined;
  const digits = minorDigits(currency);
  const match = /^(-?)(\d{1,12})(?:\.(\d+))?$/.exec(decimal);
  if (!match) return undefined;
  const fraction = match[3] ?? "";
  if (fraction.length > digits) return undefined;
  const minor = Number(`${match[2]}${fraction.padEnd(digits, "0")}`);
  return Number.isSafeInteger(minor) ? (match[1] ? -minor : minor) : undefined;
}
