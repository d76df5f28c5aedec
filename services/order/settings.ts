import { z } from "zod";
import type { Dapr } from "../../kit/dapr.js";
import { Unavailable } from "../../kit/problem.js";
import type { Terms } from "./place.js";

const Settings = z.object({
  /** Seconds a customer has to pay. */
  payment_window_seconds: z.coerce.number().int().min(1).default(1800),
  /** Seconds until the saga asks for the first time again. */
  repeat_interval_seconds: z.coerce.number().int().min(1).default(15),
  /** Tax on every order, in hundredths of a percent: 1900 is 19 %. */
  tax_rate: z.coerce.number().int().min(0).max(10_000).default(0),
});

/** The order service's rules that an operator may set, from the Dapr configuration store. */
export async function readTerms(dapr: Dapr): Promise<Terms> {
  const keys = Object.keys(Settings.shape).map((key) => `key=${key}`);
  const { text } = await dapr.must("configuration", "GET", `/v1.0/configuration/configuration?${keys.join("&")}`);
  const items = (text ? JSON.parse(text) : {}) as Record<string, { value: string }>;
  const parsed = Settings.safeParse(Object.fromEntries(Object.entries(items).map(([key, item]) => [key, item.value])));
  if (!parsed.success) throw new Unavailable("a right configuration", parsed.error);
  const { payment_window_seconds, repeat_interval_seconds, tax_rate } = parsed.data;
  return { paymentWindow: payment_window_seconds, repeatInterval: repeat_interval_seconds, taxRate: tax_rate };
}
