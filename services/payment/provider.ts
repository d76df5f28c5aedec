import { Pool } from "undici";
import { z } from "zod";
import { fault } from "../../kit/faults.js";
import { Unavailable } from "../../kit/problem.js";
import type { ChargeOutcome, Payment, RefundOutcome } from "./payment.js";

/** Money that moved, in minor units; negative: given back. */
export type Movement = { amount: number; currency: string };

const Entry = z.object({ status: z.string(), amount: z.int(), currency: z.string() });
const Statement = z.object({ charges: z.array(Entry), refunds: z.array(Entry) });

export type Provider = ReturnType<typeof provider>;

/**
 * The payment provider, a third party outside the sidecars: its answers decide about money, so how long to wait and
 * what silence means are this service's own rules. Every call may be repeated under its key.
 */
export function provider(url: string, timeoutMs: number) {
  const pool = new Pool(url, { connections: 100, keepAliveTimeout: 30_000 });

  async function post(path: string, key: string, body: object) {
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

  return {
    /** Charge key: order id and attempt. */
    async charge(orderId: string, { attempt, method, amount, currency }: Payment): Promise<ChargeOutcome> {
      try {
        const request = { amount, currency, payment_method: method, reference: orderId };
        const { status, body } = await post("/charges", `${orderId}/${attempt}`, request);
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
      const path = `/ledger?reference=${orderId}`;
      try {
        const answer = await pool.request({ method: "GET", path, signal: AbortSignal.timeout(timeoutMs) });
        const { charges, refunds } = Statement.parse(await answer.body.json());
        const moved = [...charges, ...refunds.map((refund) => ({ ...refund, amount: -refund.amount }))];
        return moved.filter(({ status }) => status === "succeeded");
      } catch (error) {
        throw new Unavailable("the payment provider", error);
      }
    },
  };
}
