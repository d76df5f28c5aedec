import { Pool } from "undici";
import { z } from "zod";
import { fault } from "../../kit/faults.js";
import { Unavailable } from "../../kit/problem.js";
import { traced } from "../../kit/trace.js";
import type { ChargeOutcome, Payment, RefundOutcome } from "./payment.js";

/** Money that moved, in minor units; negative: given back. */
export type Movement = { amount: number; currency: string };

const Entry = z.object({ status: z.string(), amount: z.int(), currency: z.string() });
const Charge = Entry.extend({
  charge_id: z.string(),
  key: z.string(),
  payment_method: z.string(),
  reference: z.string().optional(),
  code: z.string().optional(),
  at: z.string(),
});
const Refund = Entry.extend({ charge_id: z.string(), at: z.string() });
const Statement = z.object({ charges: z.array(Charge), refunds: z.array(Refund) });
const Listed = z.object({ charges: z.array(Charge), next: z.int().nullable() });
const Outcome = Charge.pick({ charge_id: true, status: true, code: true, amount: true, currency: true });
export type Charged = z.infer<typeof Charge>;

export type Provider = ReturnType<typeof provider>;

/**
 * The payment provider, a third party outside the sidecars: its answers decide about money, so how long to wait and
 * what silence means are this service's own rules. Every call may be repeated under its key.
 */
export function provider(url: string, timeoutMs: number) {
  const pool = new Pool(url, { connections: 100, keepAliveTimeout: 30_000 });

  const post = (path: string, key: string, body: object) =>
    traced(`POST ${path}`, "CLIENT", () => posted(path, key, body));

  async function posted(path: string, key: string, body: object) {
    const signal = AbortSignal.timeout(timeoutMs);
    await fault("before-call", path, key, body);
    const answer = await pool.request({
      method: "POST",
      path,
      headers: { "content-type": "application/json", "idempotency-key": key },
      body: JSON.stringify(body),
      signal,
    });
    await fault("after-call", path, key, body);
    return { status: answer.statusCode, body: (await answer.body.json()) as Record<string, string | undefined> };
  }

  async function get(path: string) {
    const answer = await pool.request({ method: "GET", path, signal: AbortSignal.timeout(timeoutMs) });
    if (answer.statusCode !== 200) throw new Error(`${answer.statusCode} ${await answer.body.text()}`);
    return answer.body.json();
  }

  /**
   * What came of the charge that a key was used for. When our memory is younger than the charge, as after a restore, the
   * customer may come to the same attempt with another card: the order is paid by the charge there is.
   */
  async function outcomeOf(key: string, amount: number, currency: string): Promise<ChargeOutcome> {
    const there = Outcome.parse(await get(`/charges/${encodeURIComponent(key)}`));
    if (there.status !== "succeeded") return { kind: "declined", code: there.code ?? "declined" };
    const same = there.amount === amount && there.currency === currency;
    return same ? { kind: "succeeded", provider_id: there.charge_id } : { kind: "declined", code: "key_used" };
  }

  async function book(orderId: string) {
    try {
      return Statement.parse(await get(`/ledger?reference=${orderId}`));
    } catch (error) {
      throw new Unavailable("the payment provider", error);
    }
  }

  return {
    /** Charge key: order id and attempt. */
    async charge(orderId: string, { attempt, method, amount, currency }: Payment): Promise<ChargeOutcome> {
      try {
        const request = { amount, currency, payment_method: method, reference: orderId };
        const { status, body } = await post("/charges", `${orderId}/${attempt}`, request);
        if (status === 409) return await outcomeOf(`${orderId}/${attempt}`, amount, currency);
        if (status === 422 || status === 400) return { kind: "declined", code: "invalid_request" };
        if (status !== 200) return { kind: "unknown" };
        return body.status === "succeeded"
          ? { kind: "succeeded", provider_id: body.charge_id as string }
          : { kind: "declined", code: body.code ?? "declined" };
      } catch {
        return { kind: "unknown" };
      }
    },

    /** Refund key: the charge's id. What is not done has failed for now and is tried again. */
    async refund({ provider_id, amount, currency }: Payment): Promise<RefundOutcome> {
      try {
        const charge_id = provider_id as string;
        const { status, body } = await post("/refunds", charge_id, { charge_id, amount, currency });
        if (status === 200 && body.status === "succeeded") return { kind: "done" };
        return { kind: "failed", code: body.code ?? `provider_${status}` };
      } catch {
        return { kind: "failed", code: "provider_unreachable" };
      }
    },

    /** What the provider itself says it took for an order and gave back. */
    async statement(orderId: string): Promise<Movement[]> {
      const { charges, refunds } = await book(orderId);
      const moved = [...charges, ...refunds.map((refund) => ({ ...refund, amount: -refund.amount }))];
      return moved.filter(({ status }) => status === "succeeded");
    },

    /** The charges of an order, each with the time at which it was given back. */
    async charges(orderId: string): Promise<(Charged & { refunded_at: string | null })[]> {
      const { charges, refunds } = await book(orderId);
      const back = refunds.filter(({ status }) => status === "succeeded");
      const refunded = (id: string) => back.find(({ charge_id }) => charge_id === id)?.at ?? null;
      return charges.map((charge) => ({ ...charge, refunded_at: refunded(charge.charge_id) }));
    },

    /** All that was taken and not given back since a time, page by page; `next` is null on the last. */
    async taken(since: string, from: number): Promise<z.infer<typeof Listed>> {
      try {
        return Listed.parse(await get(`/charges?since=${since}&from=${from}`));
      } catch (error) {
        throw new Unavailable("the payment provider", error);
      }
    },
  };
}
