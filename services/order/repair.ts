import { setTimeout as pause } from "node:timers/promises";
import type { Reconciliation } from "../../contracts/admin.js";
import { RecoverAnswer, type Stray, StraysAnswer } from "../../contracts/payment.js";
import type { Dapr, GrpcSidecar } from "../../kit/dapr.js";
import { historyOf, type Turn } from "../../kit/history.js";
import type { Message, Outbox } from "../../kit/outbox.js";
import type { Sql } from "../../kit/sql.js";
import type { Workflows } from "../../kit/workflow.js";
import { message } from "./messages.js";
import { type Order, progress } from "./order.js";
import type { Orders } from "./orders.js";
import type { Reconciler } from "./reconciler.js";
import { sagas } from "./sagas.js";

// After a restore, or whenever something may have been lost: every order that has not ended gets what it needs to end.
// All it does may be done at any time and again: it asks for what is idempotent, and starts only what is not there.

export type Done = {
  orders: number;
  /** Accounts that had forgotten what the provider did. */
  recovered: number;
  sagas: { started: number; woken: number; replaced: number };
  asked: number;
};
export type Report = Done & { strays: Stray[]; refunded: number; reconciliation: Reconciliation };

type Deps = {
  dapr: Dapr;
  sidecar: GrpcSidecar;
  sql: Sql;
  orders: Orders;
  outbox: Outbox;
  workflows: Workflows;
  reconciler: Reconciler;
  say: (line: string) => void;
};

/** So many stored orders are looked through by one statement: most have ended, and it must not take longer the more there are. */
const partSize = 1_000;
const pageSize = 100;
const atOnce = 10;
/** A step of a saga that has no answer after so long has been lost. */
const patience = 60_000;
/** What was asked for is answered meanwhile. */
const settling = 3_000;
/** What cannot be told from an order that has ended is left out by the database; `progress` decides. */
const perhapsOpen = `NOT (value->>'status' = 'cancelled' AND value->>'released_at' IS NOT NULL
  AND value->'payment'->>'status' <> 'pending' AND NOT value->'refunds' @? '$[*] ? (@.status != "done")')
  AND NOT (value->>'status' = 'delivered' AND NOT value->'refunds' @? '$[*] ? (@.status != "done")')`;

type Tell = Extract<Message, { tell: unknown }>["tell"];
const isOpen = (order: Order) => progress(order).phase !== "ended";

/** Why a saga would wait for ever: it is of a version that this build has not, or its step has no answer any more. */
export function lost(turns: Turn[], now: number): "unknown here" | "stuck" | undefined {
  const heard = turns.flatMap((turn) => turn.heard);
  if (heard.some((one) => "started" in one && !(one.started in sagas))) return "unknown here";
  const hasAnswer = (step: number) =>
    heard.some((one) => ("completed" in one && one.completed === step) || ("failed" in one && one.failed === step));
  const old = turns.filter(({ at }) => now - Date.parse(at) > patience);
  return old.some(({ did }) => did.some((one) => "activity" in one && !hasAnswer(one.activity))) ? "stuck" : undefined;
}

export function repairer({ dapr, sidecar, sql, orders, outbox, workflows, reconciler, say }: Deps) {
  /**
   * Those of a part of all orders that may be open, and the key after which the next part begins. With them who was
   * cancelled since: time may have been over before anybody heard of the money that the provider has.
   */
  const openAfter = async (key: string, since: string) => {
    const [part] = await sql.sure<{ orders: Order[]; last: string | null }>(
      `SELECT jsonb_build_object('orders', coalesce(jsonb_agg(value) FILTER (WHERE ${perhapsOpen}
         OR value->>'status' = 'cancelled' AND value->>'updated_at' >= $2), '[]'), 'last', max(key))
       FROM (SELECT key, value FROM state WHERE starts_with(key, 'order:') AND key > $1
             ORDER BY key LIMIT ${partSize}) AS part`,
      key,
      since,
    );
    return part as NonNullable<typeof part>;
  };

  /** Its first saga, and those that began later under its version. */
  const instancesOf = ({ id, version }: Order) => [
    id,
    ...Array.from({ length: version }, (_, n) => `${id}_${version - n}`),
  ];

  /** A hint makes a saga act on where the order stands, whatever became of its timers. */
  async function isWoken(id: string, hint: Tell): Promise<boolean> {
    const why = lost(await historyOf(sidecar, id), Date.now());
    // One that is unknown here cannot be ended either: should its build come back, two ask, which does no harm.
    if (why === "stuck") await workflows.terminate(id);
    else if (!why) await workflows.tell({ ...hint, id });
    return !why;
  }

  async function saga(order: Order, done: Done): Promise<void> {
    const { tell } = message(order, { saga: "tell" }) as { tell: Tell };
    for (const id of instancesOf(order)) {
      if (!(await workflows.isAlive(id)) || !(await isWoken(id, tell))) continue;
      done.sagas.woken++;
      return;
    }
    const existed = await workflows.exists(order.id);
    const id = existed ? `${order.id}_${order.version}` : order.id;
    await workflows.start({ ...tell, id });
    await workflows.tell({ ...tell, id });
    done.sagas[existed ? "replaced" : "started"]++;
  }

  async function one(id: string, done: Done): Promise<void> {
    const at = { now: new Date().toISOString(), actor: "repair", trace_id: null };
    const outcome = await orders.apply(id, crypto.randomUUID(), { type: "remind" }, at);
    if (outcome.kind === "unknown" || !isOpen(outcome.order)) return;
    if (outcome.kind === "changed") done.asked++;
    await saga(outcome.order, done);
  }

  async function page(some: Order[], done: Done): Promise<void> {
    const asked = some.map(({ id, user_id }) => ({ order_id: id, user_id }));
    const { changed } = RecoverAnswer.parse(await dapr.ask("payment", "/rpc/recover", { orders: asked }));
    done.recovered += changed.length;
    // What they say now is news to the orders, which should not expire over it.
    if (changed.length > 0) await pause(settling);
    const open = some.filter(isOpen);
    for (let n = 0; n < open.length; n += atOnce)
      await Promise.all(open.slice(n, n + atOnce).map(({ id }) => one(id, done)));
    done.orders += open.length;
    say(`${done.orders} orders under way looked at …`);
  }

  async function openOrders(since: string): Promise<Done> {
    const done: Done = { orders: 0, recovered: 0, sagas: { started: 0, woken: 0, replaced: 0 }, asked: 0 };
    for (let part = await openAfter("", since); part.last !== null; part = await openAfter(part.last, since)) {
      const some = part.orders.filter((order) => isOpen(order) || order.status === "cancelled");
      for (let n = 0; n < some.length; n += pageSize) await page(some.slice(n, n + pageSize), done);
    }
    return done;
  }

  async function straysSince(since: string): Promise<Stray[]> {
    const found: Stray[] = [];
    for (let from: number | null = 0; from !== null; ) {
      const { charges, next } = StraysAnswer.parse(await dapr.ask("payment", "/rpc/strays", { since, from }));
      const known = await sql.values<Order>(charges.map(({ order_id }) => `order:${order_id}`));
      found.push(...charges.filter(({ order_id }) => !known.some(({ id }) => id === order_id)));
      from = next;
    }
    return found;
  }

  /** Compares everything, by a run that begins now; what is on its way is left out. */
  async function reconciled(): Promise<Reconciliation> {
    say("comparing orders, accounts, the provider's ledger and the stock …");
    await pause(settling);
    for (const since = new Date().toISOString(); ; await pause(500)) {
      const run = await reconciler.compareAll();
      if (run.state !== "running" && (run.started_at ?? "") >= since) return run;
      while ((await reconciler.last()).state === "running") await pause(500);
      const last = await reconciler.last();
      if ((last.started_at ?? "") >= since) return last;
    }
  }

  /** `since`: charges from then on are compared with the orders there are, and orders cancelled from then on with their money. */
  return async function repair(since: string, refundStrays: boolean): Promise<Report> {
    const done = await openOrders(since);
    const strays = await straysSince(since);
    if (refundStrays) for (const { order_id } of strays) await dapr.ask("payment", "/rpc/refund-stray", { order_id });
    await outbox.stop();
    return { ...done, strays, refunded: refundStrays ? strays.length : 0, reconciliation: await reconciled() };
  };
}
