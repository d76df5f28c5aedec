import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { Problem } from "../../kit/problem.js";
import { normal } from "./user.js";

export type Guesses = ReturnType<typeof guesses>;

/**
 * Passwords tried for one address, whether there is an account or not: after so many wrong ones all are refused, right
 * ones too, until the time since the first is over. Counted in memory by each replica: a flood of made-up addresses
 * must not become a flood of writes.
 */
export function guesses({ most = 10, seconds = 900 } = {}) {
  const counter = new RateLimiterMemory({ points: most, duration: seconds });

  /** Before the check, so that many guesses at once are not more than many in a row. */
  async function count(address: string): Promise<void> {
    try {
      await counter.consume(address);
    } catch (full) {
      if (!(full instanceof RateLimiterRes)) throw full;
      const wait = Math.ceil(full.msBeforeNext / 1000);
      throw new Problem(429, "too many wrong passwords for this e-mail address", {}, wait);
    }
  }

  return {
    /** Whether the password is right, as `check` says; 429 when there were too many wrong ones. */
    async guess(email: string, check: () => Promise<boolean>): Promise<boolean> {
      const address = normal(email);
      await count(address);
      try {
        const right = await check();
        if (right) await counter.delete(address);
        return right;
      } catch (error) {
        // Not answered is not wrong; and nobody fills the memory with what was not even looked at.
        const { consumedPoints } = await counter.reward(address);
        if (consumedPoints <= 0) await counter.delete(address);
        throw error;
      }
    },
  };
}
