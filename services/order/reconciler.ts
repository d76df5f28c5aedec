import { setTimeout as pause } from "node:timers/promises";
import { GoodsAudit, MoneyAudit, type MoneyOf, StockAudit } from "../../contracts/audit.js";
import type { Update } from "../../kit/aggregate.js";
import type { Dapr } from "../../kit/dapr.js";
import type { Logger } from "../../kit/log.js";
import type { Sql } from "../../kit/sql.js";
import type { Store } from "../../kit/state.js";
import type { Order } from "./order.js";
import { type Compared, compareOrder, compareStock } from "./reconcile.js";
import { advanced, claimed, failed, type Page, type Run, view } from "./reconciliation-run.js";

export type Reconciler = ReturnType<typeof reconciler>;

const row = "reconciliation";
const pageSize = 100;
/** A fact may be on its way between two services: what is found counts when it is still there a moment later. */
const secondLook = 1_000;
/** Between two pages, so that a long run leaves the services to the customers. */
const breath = 50;

export const reconciliationIndex =
  "CREATE INDEX IF NOT EXISTS orders_by_change ON state ((value->>'updated_at'), key) WHERE starts_with(key, 'order:')";

type Deps = { dapr: Dapr; store: Store; sql: Sql; update: Update; log: Logger; quietSeconds: number };

/** Compares orders with payment, provider and stock, page by page; one run at a time in the whole system. */
export function reconciler({ dapr, store, sql, update, log, quietSeconds }: Deps) {
  const ask = {
    money: async (order_ids: string[]) =>
      MoneyAudit.parse(await dapr.ask("payment", "/rpc/audit", { order_ids })).orders,
    goods: async (order_ids: string[]) =>
      GoodsAudit.parse(await dapr.ask("inventory", "/rpc/audit", { order_ids })).orders,
    stock: async (after: string | null) => StockAudit.parse(await dapr.ask("inventory", "/rpc/audit-stock", { after })),
  };

  const ordersOf = (ids: string[]) => sql.values<Order>(ids.map((id) => `order:${id}`));

  const changedIn = ({ since, until }: Run, [at = since, key = ""]: string[]) =>
    sql.sure<Order>(
      `SELECT value FROM state WHERE starts_with(key, 'order:') AND value->>'updated_at' <= $1
       AND (value->>'updated_at', key) > ($2, $3) ORDER BY value->>'updated_at', key LIMIT ${pageSize}`,
      until,
      at,
      key,
    );

  async function compared(orders: Order[]): Promise<(Compared & { order: Order })[]> {
    if (orders.length === 0) return [];
    const ids = orders.map(({ id }) => id);
    const [money, goods] = await Promise.all([ask.money(ids), ask.goods(ids)]);
    return orders.map((order, n) => {
      const kept = goods.find(({ order_id }) => order_id === order.id);
      return { order, ...compareOrder(order, money[n] as MoneyOf, kept) };
    });
  }

  /** Findings that are the same twice about an order that did not change. */
  async function confirmed(orders: Order[]): Promise<Pick<Page, "about" | "findings" | "skipped">> {
    const first = await compared(orders);
    const suspects = first.filter(({ findings }) => findings.length > 0);
    const second = suspects.length === 0 ? [] : await compared(await afterAMoment(suspects));
    const findings = suspects.flatMap(({ order, findings }) => {
      const now = second.find((other) => other.order.id === order.id && other.order.version === order.version);
      const still = new Set(now?.findings.map((finding) => JSON.stringify(finding)));
      return findings.filter((finding) => still.has(JSON.stringify(finding)));
    });
    const changed = suspects.filter(({ order }) => !findings.some(({ order_id }) => order_id === order.id));
    const skipped = new Set([...first.filter((one) => one.skipped), ...changed]);
    return { about: orders.map(({ id }) => id), findings, skipped: skipped.size };
  }
  async function afterAMoment(suspects: { order: Order }[]): Promise<Order[]> {
    await pause(secondLook);
    return ordersOf(suspects.map(({ order }) => order.id));
  }

  async function look(run: Run): Promise<Page> {
    switch (run.next.part) {
      case "again": {
        const { ids } = run.next;
        const page = await confirmed(await ordersOf(ids.slice(0, pageSize)));
        const left = ids.slice(pageSize);
        const next: Run["next"] = left.length > 0 ? { part: "again", ids: left } : { part: "orders", after: [] };
        // Those that changed in time come again among all others, and are counted there.
        return { ...page, orders: 0, products: 0, skipped: 0, next };
      }
      case "orders": {
        const orders = await changedIn(run, run.next.after);
        const last = orders.length === pageSize ? orders.at(-1) : undefined;
        const next: Run["next"] = last
          ? { part: "orders", after: [last.updated_at, `order:${last.id}`] }
          : { part: "products", after: null };
        return { ...(await confirmed(orders)), orders: orders.length, products: 0, next };
      }
      case "products": {
        const { products, after } = await ask.stock(run.next.after);
        return {
          about: products.map(({ product_id }) => product_id),
          findings: products.flatMap(compareStock),
          ...{ orders: 0, products: products.length, skipped: 0 },
          next: after === null ? undefined : { part: "products", after },
        };
      }
    }
  }

  /** Stores what becomes of the run; undefined when it is no longer this owner's. */
  const keep = (owner: string, change: (run: Run, now: string) => Run) =>
    update<Run, Run | undefined>(row, crypto.randomUUID(), (run, seen) => {
      if (seen) return { reply: run };
      if (run?.owner !== owner || run.state !== "running") return { reply: undefined };
      const next = change(run, new Date().toISOString());
      return { reply: next, next };
    });

  async function work(begun: Run): Promise<void> {
    const { owner } = begun;
    let run: Run | undefined = begun;
    try {
      while (run?.state === "running") {
        const page = await look(run);
        run = await keep(owner, (current, now) => advanced(current, page, now));
        await pause(breath);
      }
    } catch (error) {
      log.warn({ err: error }, "reconciliation failed; the next run does it again");
      await keep(owner, failed);
      return;
    }
    if (!run) return;
    const { findings, coverage } = run;
    log[findings.length > 0 ? "error" : "info"]({ coverage, findings: findings.length }, "reconciled");
  }

  /** Starts a run, or goes on with one that was left; gives the run as it is then. */
  async function start(all: boolean): Promise<Run | undefined> {
    const owner = crypto.randomUUID();
    const run = await update<Run, Run | undefined>(row, owner, (last) => {
      const next = claimed(last, { now: new Date().toISOString(), owner, quietSeconds, all });
      return next ? { reply: next, next } : { reply: last };
    });
    if (run?.owner === owner) void work(run).catch((error) => log.warn({ err: error }, "reconciliation left"));
    return run;
  }

  return {
    last: async () => view((await store.get<Run>(row)).value),
    /** Compares everything; while a run is under way, that is the one. */
    compareAll: async () => view(await start(true)),
    /** To be called every few seconds. */
    async tick(): Promise<void> {
      await start(false);
    },
  };
}
