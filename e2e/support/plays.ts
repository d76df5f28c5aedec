import { expect } from "vitest";
import type { Topic } from "../../contracts/events.js";
import type { Status } from "../../contracts/order.js";
import { brokerName } from "./broker.js";
import type { Scene } from "./scene.js";
import { sql } from "./system.js";

// How the cells of the failure matrix (e2e/matrix.ts) are played.

type Play = (s: Scene) => Promise<unknown>;
export type Cell = {
  /** The statuses an order goes through, once each; none: there is no order. What it ends in says where money and goods are. */
  moves: Status[];
  play: Play;
  /** Money was taken although the order never was paid. */
  taken?: boolean;
  /** Asked when the order has reached its end, and again when all is over. */
  also?: Play | undefined;
};

export const unpaid: Status[] = ["payment_required"];
export const declined: Status[] = [...unpaid, "payment_failed"];
export const processing: Status[] = [...unpaid, "paid", "processing"];
export const paidAgain: Status[] = [...declined, ...processing];
export const shipped: Status[] = [...processing, "shipped"];
export const processedAndDelivered: Status[] = [...processing, "delivered"];
export const cancelled = (moves: Status[]): Status[] => [...moves, "cancelled"];
export const delivered: Status[] = [...shipped, "delivered"];

export const ends = (moves: Status[], play: Play, more: Partial<Cell> = {}): Cell => ({ moves, play, ...more });

export const placed: Play = (s) => s.place("card_ok");
export const reserved: Play = async (s) => {
  await s.place("card_ok");
  await s.until("processing");
};
export const cancelledLater: Play = async (s) => {
  await reserved(s);
  await s.cancel();
};
export const soon = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();
export const pause = (seconds: number) => new Promise<void>((done) => setTimeout(done, seconds * 1000));

/** The process dies before and after the transaction that holds this text. */
export function commits(app: string, text: string, moves: Status[], story: Play, more: Partial<Cell> = {}) {
  return {
    "crash before commit": ends(moves, (s) => s.dies(`${app}.before-commit`, text, () => story(s)), more),
    "crash after commit": ends(moves, (s) => s.dies(`${app}.after-commit`, text, () => story(s)), more),
  };
}

/**
 * While a message is held, its repeat, handled beside it, brings the order there. Kafka keeps the order of what is said of
 * an order: the repeat waits behind what is held, and comes when all is over.
 */
export async function othersGoOn(s: Scene, status: Status, also?: Play): Promise<void> {
  if (brokerName === "kafka") return pause(6);
  await s.until(status);
  await also?.(s);
}

/** A service hears an event: it fails before and after its effect, is slower than everyone's patience, hears it twice. */
export function hears(app: string, topic: Topic, moves: Status[], story: Play, more: Partial<Cell> = {}) {
  const heard = `"${topic}"`;
  return {
    error: ends(
      moves,
      async (s) => {
        s.arm(`${app}.before-handle`, "error 2", heard);
        s.arm(`${app}.before-acknowledge`, "error 1", heard);
        await story(s);
      },
      more,
    ),
    timeout: ends(
      moves,
      async (s) => {
        s.arm(`${app}.before-handle`, "hold 1", heard);
        await story(s);
        await s.hit(`${app}.before-handle`);
        await othersGoOn(s, moves.at(-1) as Status, more.also);
        await s.letGo(`${app}.before-handle`);
      },
      more,
    ),
    duplicate: ends(
      moves,
      async (s) => {
        await story(s);
        await s.until(moves.at(-1) as Status);
        await s.again(topic, app);
      },
      more,
    ),
  };
}

/** A client's command to the order service: `name` in its history, `path` and `text` of the request. */
type Command = { name: string; path: string; command: (s: Scene, fresh?: boolean) => Promise<number> };
export function commanded({ name, path, command }: Command, moves: Status[], before: Play, lost?: Topic) {
  const commit = `"name":"${name}"`;
  const done: Play = async (s) => expect(await command(s)).toBeLessThan(300);
  const after =
    (arm: (s: Scene) => void): Play =>
    async (s) => {
      await before(s);
      arm(s);
      await done(s);
    };
  const dies =
    (point: string): Play =>
    async (s) => {
      await before(s);
      await s.dies(point, commit, () => done(s));
    };
  return {
    // The store refuses, and the service decides again.
    error: ends(
      moves,
      after((s) => s.arm("order.before-commit", "error 1", commit)),
    ),
    // The client asks again before the first request has come through.
    timeout: ends(moves, async (s) => {
      await before(s);
      s.arm("order.asked", "hold 1", path);
      const first = command(s);
      await s.hit("order.asked");
      await done(s);
      await s.letGo("order.asked");
      expect(await first).toBeLessThan(300);
    }),
    // The store's answer, the client's answer, and what the broker had taken.
    "answer lost": ends(
      moves,
      after((s) => {
        s.arm("order.after-commit", "error 1", commit);
        s.arm("order.answered", "error 1", path.split(" ")[0]);
        if (lost) s.arm("order.before-call", "forget 1", `/pubsub/${lost}`);
      }),
    ),
    "crash before commit": ends(moves, dies("order.before-commit")),
    "crash after commit": ends(moves, dies("order.after-commit")),
  };
}
/** Three at once with one key, and one more that is another request. */
export const thrice = async (s: Scene, command: Command["command"]) => {
  const answers = await Promise.all([command(s), command(s), command(s)]);
  expect(answers.every((status) => status < 300)).toBe(true);
  return command(s, true);
};

/** Held back at this point until the order is cancelled, and, where `heard` is said, until this service has heard of that. */
export const heldBack =
  (point: string, texts: string, story: Play, heard?: string): Play =>
  async (s) => {
    s.arm(point, "hold 9", texts);
    if (heard) s.arm(`${heard}.before-acknowledge`, "forget 1", '"orders.cancelled"');
    const told = story(s);
    await s.hit(point);
    expect(await s.cancel()).toBe(200);
    if (heard) await s.hit(`${heard}.before-acknowledge`);
    await s.letGo(point);
    await told;
  };

export const pay: Command = { name: "pay", path: "/payments card_ok", command: (s, fresh) => s.pay("card_ok", fresh) };
export const ship: Command = { name: "ship", path: "/status shipped", command: (s, fresh) => s.ship(fresh) };
export const deliver: Command = { name: "deliver", path: "/status delivered", command: (s, fresh) => s.deliver(fresh) };
export const cancel: Command = { name: "cancel", path: "/cancel", command: (s, fresh) => s.cancel(fresh) };

export const refusedOnce: Play = async (s) => {
  await s.place("card_declined");
  await s.until("payment_failed");
};

export const unpaidOrder: Play = (s) => s.place();
export const shippedOrder: Play = async (s) => {
  await reserved(s);
  await s.ship();
};
/** A command that comes through when the order is cancelled already. */
export const tooLate =
  ({ path, command }: Command): Play =>
  async (s) => {
    await reserved(s);
    s.arm("order.asked", "hold 1", path);
    const asked = command(s);
    await s.hit("order.asked");
    expect(await s.cancel()).toBe(200);
    await s.letGo("order.asked");
    expect(await asked).toBe(409);
  };
export const expires: Play = (s) => s.upstream({ pay_by: soon(4) });
export const start = "/start?instanceID";
/** What a saga knows that nobody has told anything. */
export const nothingHeard = { version: 1, phase: "paying", waiting: false };
/** "Goods are reserved": most often the hint that begins the saga; when the order took its time, it is there already. */
export const rests = '/workflows/ "phase":"delivering"';
/** Its last hint, which lets the saga end. */
export const over = '/raiseEvent/ "phase":"ended"';
export const restsAndIsDelivered: Play = async (s) => {
  await reserved(s);
  await s.sagaIs("RUNNING");
  await s.deliver();
};

type Messages = [[number, string[]]];
/** The customer has one message about it. */
export const messages = (delivery: string) => async (s: Scene) => {
  const statement = `SELECT count(*), jsonb_agg(value->>'delivery') FROM state WHERE starts_with(key, 'notification:')
    AND value->>'order_id' = '${s.id}' AND value->>'topic' = 'orders.processing'`;
  await s.waitFor(
    "one message about orders.processing",
    () => sql<Messages>("notification", "query", statement),
    ([[count, deliveries]]) => count === 1 && deliveries[0] === delivery,
  );
};
export const oneMessage = { also: messages("sent") };
