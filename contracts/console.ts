import { z } from "zod";
import { Currency } from "./common.js";

// What the console asks the gateway beyond the public API: GET /console.json, and in the local profile /proof.

/** What a page can offer here. */
export const ConsoleInfo = z.object({
  /** Where a trace can be looked at, with "{trace_id}" in it; null: nowhere. */
  trace_url: z.string().nullable(),
  /** The demo accounts are there (SEED_DEMO). */
  demo: z.boolean(),
  /** Processes can be killed, and are started again. */
  proof: z.boolean(),
});
export type ConsoleInfo = z.infer<typeof ConsoleInfo>;

/** What may be done to a process of this instance. */
export const ProcessAction = z.enum(["kill", "pause", "resume", "restart", "stop", "start"]);
export type ProcessAction = z.infer<typeof ProcessAction>;

/** A process as the supervisor sees it; `since` is when it was started last, "" when never. */
export const Process = z.object({
  name: z.string(),
  state: z.enum(["running", "paused", "restarting", "stopped"]),
  pid: z.int().optional(),
  restarts: z.int(),
  since: z.string(),
});
export type Process = z.infer<typeof Process>;
export const Processes = z.object({ items: z.array(Process) });

/** What the payment provider's own ledger says of an order, amounts in minor units. */
export const Statement = z.object({
  charges: z.array(z.object({ status: z.string(), amount: z.int(), currency: Currency })),
  refunds: z.array(z.object({ status: z.string(), amount: z.int(), currency: Currency })),
  net: z.int(),
});
export type Statement = z.infer<typeof Statement>;
