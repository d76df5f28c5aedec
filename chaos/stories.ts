import type { Customer } from "./customer.js";
import { pick, type Random } from "./random.js";

/** Who takes part: a customer, staff, and what they buy; `coin` decides what is left to chance. */
export type Scene = { customer: Customer; staff: Customer; plenty: string; scarce: string; coin: () => boolean };
type Story = (scene: Scene) => Promise<unknown>;

/** An order that is placed and paid for; undefined when it never got so far. */
async function processing({ customer, plenty }: Scene, method: Parameters<Customer["place"]>[1] = "card_ok") {
  const id = await customer.place(plenty, method);
  if (!id) return undefined;
  return (await customer.until(id, "processing", "cancelled")) === "processing" ? id : undefined;
}

/** How often each is played, and what happens in it. */
export const stories: Record<string, readonly [number, Story]> = {
  "pays at once": [24, ({ customer, plenty }) => customer.place(plenty, "card_ok")],
  "sends the same request again": [
    5,
    async ({ customer, plenty }) => {
      const key = crypto.randomUUID();
      const ids = await Promise.all([customer.place(plenty, "card_ok", key), customer.place(plenty, "card_ok", key)]);
      if (ids[0]) await customer.until(ids[0], "processing", "cancelled");
      await customer.place(plenty, "card_ok", key);
    },
  ],
  "is refused and pays again": [
    8,
    async ({ customer, plenty }) => {
      const id = await customer.place(plenty, "card_declined");
      if (id && (await customer.until(id, "payment_failed", "cancelled")) === "payment_failed")
        await customer.pay(id, "card_ok");
    },
  ],
  "pays later": [
    4,
    async ({ customer, plenty }) => {
      const id = await customer.place(plenty);
      if (id) await customer.pay(id, "card_ok");
    },
  ],
  "never pays": [5, ({ customer, plenty }) => customer.place(plenty)],
  "is charged after a timeout": [7, ({ customer, plenty }) => customer.place(plenty, "card_timeout_then_ok")],
  "is charged at the third try": [7, ({ customer, plenty }) => customer.place(plenty, "card_flaky")],
  "cancels before paying": [
    4,
    async ({ customer, plenty }) => {
      const id = await customer.place(plenty);
      if (id) await customer.cancel(id);
    },
  ],
  "cancels while the charge is under way": [
    6,
    async ({ customer, plenty, coin }) => {
      const id = await customer.place(plenty, coin() ? "card_timeout_then_ok" : "card_ok");
      if (id) await customer.cancel(id);
    },
  ],
  "cancels once it is paid": [
    5,
    async ({ customer, plenty }) => {
      const id = await customer.place(plenty, "card_ok");
      if (!id) return;
      await customer.until(id, "paid", "processing", "cancelled");
      await customer.cancel(id);
    },
  ],
  "cancels while it is packed, and the refund fails first": [
    6,
    async (scene) => {
      const id = await processing(scene, "card_refund_fails_once");
      if (id) await scene.customer.cancel(id);
    },
  ],
  "wants one of the last": [
    8,
    async ({ customer, scarce, coin }) => {
      const id = await customer.place(scarce, "card_ok");
      if (!id) return;
      await customer.until(id, "processing", "cancelled");
      if (coin()) await customer.cancel(id);
    },
  ],
  "gets it delivered": [
    8,
    async (scene) => {
      const id = await processing(scene);
      if (id && (await scene.staff.ship(id))) await scene.staff.deliver(id);
    },
  ],
  "changes the notes": [
    3,
    async ({ customer, plenty }) => {
      const id = await customer.place(plenty, "card_ok");
      if (!id) return;
      await customer.note(id);
      await customer.note(id);
    },
  ],
};

export const nextStory = (random: Random): Story => pick(random, Object.values(stories));
