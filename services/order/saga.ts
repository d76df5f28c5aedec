import type { WorkflowContext } from "@dapr/dapr";
import { inbox, retry, type Steps } from "../../kit/workflow.js";
import type { Progress } from "./order.js";

/** Versioned by name: a changed saga gets a new one, and this one stays until its last order has ended. */
export const sagaName = "order-saga-v2";
export type SagaInput = {
  order_id: string;
  pay_by: string;
  repeat_seconds: number;
  /** Where the order stood, and when. Those of v1 began with the order and have neither. */
  known?: Progress;
  known_at?: string;
};

/** So many seconds are no age; what a crash has left is older (kit/outbox.ts, `grace`). */
const young = 2;

/**
 * One workflow per order, until it is delivered or given back. Events bring the order forward by themselves and
 * only hint to the saga where it stands; whatever the saga does, it does to the order as stored (steps.ts).
 */
export async function* orderSaga(ctx: WorkflowContext, input: SagaInput): Steps {
  const { order_id, pay_by, repeat_seconds, known, known_at } = input;
  const hints = inbox<Progress>(ctx, "changed");
  const askAgain = () => retry<Progress>(ctx, "askAgain", { order_id });
  const expire = () => retry<Progress>(ctx, "expire", { order_id });
  const now = () => ctx.getCurrentUtcDateTime();
  const later = (tries: number) => new Date(now().getTime() + Math.min(repeat_seconds * 2 ** tries, 300) * 1000);

  let order: Progress = known ?? { version: 0, phase: "paying", waiting: true };
  let tries = 0;
  /** A hint that a step or a later hint has overtaken is no news. */
  const heard = (told: Progress | undefined) => {
    if (told && told.version >= order.version) order = told;
  };
  /** Waits for a hint; when none comes in time it asks again, each time after twice the time. */
  async function* news(until?: Date): Steps {
    const hint: Progress | undefined = yield* hints.next(until);
    tries = hint ? 0 : tries + 1;
    heard(hint ?? (yield* askAgain()));
  }

  // Nothing was heard for a while, or what was heard comes late: the order may have ended, and the saga with it, which
  // then begins anew here and would be told no more.
  const age = known_at ? now().getTime() - Date.parse(known_at) : 0;
  if (age >= Math.min(young, repeat_seconds) * 1000) heard(yield* askAgain());

  // The customer pays, in as many attempts as it takes, and the goods are reserved. An answer that does not come is
  // asked for again; where none is outstanding the saga sleeps until the time to pay is over.
  const deadline = new Date(pay_by);
  while (order.phase === "paying" && now() < deadline) {
    if (order.waiting && later(tries) < deadline) {
      yield* news(later(tries));
    } else {
      heard(yield* hints.next(deadline));
      tries = 0;
    }
  }

  // Over: the order expires, unless an attempt is under way or the goods are being reserved. Then ask again and go on.
  tries = 0;
  while (order.phase === "paying") {
    heard(yield* expire());
    if (order.phase === "paying") yield* news(later(tries));
  }

  // People ship and deliver, which takes days; until it is shipped the order may still be cancelled. Money that does
  // not count is asked back meanwhile.
  tries = 0;
  while (order.phase === "delivering") yield* news(order.waiting ? later(tries) : undefined);

  // Cancelled: the same event again and again, until stock and money are both back.
  tries = 0;
  while (order.phase === "giving_back") yield* news(later(tries));
}
