import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Finding, Reconciliation } from "../contracts/admin.js";
import { faults } from "./support/settings.js";
import {
  anyone,
  eventually,
  newProduct,
  place,
  port,
  reaches,
  reconcile,
  signedIn,
  sql,
  stockOf,
} from "./support/system.js";

const [ada, staff, admin] = await Promise.all([signedIn("ada"), signedIn("staff"), signedIn("admin")]);
const { id: goods } = await newProduct();
let order: { id: string; total: string };

beforeAll(async () => {
  const { body } = await place(ada, goods, 2, "card_ok");
  order = await reaches(ada, body.id, "processing");
  await settled(agrees);
});

const agrees = ({ findings, drift, stock_drift }: Reconciliation) =>
  findings.length === 0 && Object.keys(drift).length === 0 && stock_drift === 0;
/** Runs until the result is right: what changed in the last seconds is left to the next run. */
const settled = (right: (run: Reconciliation) => boolean) => eventually(reconcile, right, 40);

const change = (service: "order" | "payment" | "inventory", key: string, to: string) =>
  sql(service, "exec", `UPDATE state SET value = ${to} WHERE key = '${key}'`);
const cents = (amount: string) => Math.round(Number(amount) * 100);

/** Plants a difference, sees it found, puts it back, sees nothing. */
async function planted(plant: () => Promise<unknown>, putBack: () => Promise<unknown>) {
  let run: Reconciliation;
  try {
    await plant();
    run = await settled(({ findings }) => findings.length > 0);
  } finally {
    await putBack();
  }
  expect(await settled(agrees)).toMatchObject({ findings: [], drift: {}, stock_drift: 0 });
  return run;
}
const about = (over: Partial<Finding>): Finding => ({
  ...{ kind: "payment", order_id: order.id, product_id: null, currency: "EUR", expected: "", found: "" },
  detail: expect.any(String),
  ...over,
});

describe("a difference planted by hand is found, and gone when it is put back", () => {
  const account = () => `account:${order.id}`;
  const amount = (value: number) => `jsonb_set(value, '{payments,0,amount}', '${value}')`;

  test("money that the payment service notes wrongly, whether the order is deleted or not", async () => {
    for (const deleted of ['value || \'{"deleted_at": "now"}\'', "value - 'deleted_at'"]) {
      await change("order", `order:${order.id}`, deleted);
      const run = await planted(
        () => change("payment", account(), amount(1)),
        () => change("payment", account(), amount(cents(order.total))),
      );
      expect(run.findings).toEqual([about({ expected: order.total, found: "0.01" })]);
      expect(run.drift).toEqual({ EUR: (Number(order.total) - 0.01).toFixed(2) });
    }
  });

  test("money that the provider gave back though nobody asked for it", async () => {
    const provider = async (path: string, key: string, body: object) => {
      const headers = { "content-type": "application/json", "idempotency-key": key };
      const options = { method: "POST", headers, body: JSON.stringify({ ...body, currency: "EUR", amount: 100 }) };
      const answer = await fetch(`http://127.0.0.1:${port(8090)}${path}`, options);
      expect(answer.status).toBe(200);
    };
    const ledger = await fetch(`http://127.0.0.1:${port(8090)}/ledger?reference=${order.id}`);
    const { charges } = (await ledger.json()) as { charges: [{ charge_id: string }] };
    const run = await planted(
      () => provider("/refunds", `${order.id} by mistake`, { charge_id: charges[0].charge_id }),
      () => provider("/charges", `${order.id} corrected`, { payment_method: "card_ok", reference: order.id }),
    );
    const found = (Number(order.total) - 1).toFixed(2);
    expect(run.findings).toEqual([about({ kind: "provider", expected: order.total, found })]);
    expect(run).toMatchObject({ drift: { EUR: "1.00" }, stock_drift: 0 });
  });

  test("a reservation that is not there", async () => {
    const status = (word: string) =>
      change("inventory", `hold:${order.id}`, `jsonb_set(value, '{status}', '"${word}"')`);
    const { reserved } = await stockOf(goods);
    const run = await planted(
      () => status("closed"),
      () => status("reserved"),
    );
    const units = { product_id: goods, currency: null };
    expect(run.findings).toEqual([
      about({ ...units, kind: "reservation", expected: "2", found: "0" }),
      about({ ...units, kind: "stock", order_id: null, expected: String(reserved - 2), found: String(reserved) }),
    ]);
    expect(run).toMatchObject({ drift: {}, stock_drift: 4 });
  });

  test("units that are counted wrongly", async () => {
    const add = (units: number) =>
      change(
        "inventory",
        `stock:${goods}`,
        `jsonb_set(value, '{reserved}', to_jsonb((value->>'reserved')::bigint + ${units}))`,
      );
    const run = await planted(
      () => add(3),
      () => add(-3),
    );
    expect(run.findings.map(({ kind, product_id, detail }) => [kind, product_id, detail])).toEqual([
      ["stock", goods, "on hand and reserved, by the ledger"],
      ["stock", goods, "reserved, by the reservations"],
    ]);
    expect(run.stock_drift).toBe(6);
  });
});

describe("a run", () => {
  test("that is under way is the one that is given", async () => {
    const start = () => admin.call<Reconciliation>("POST", "/admin/reconciliation");
    const [one, two] = await Promise.all([start(), start()]);
    expect([one.status, two.status]).toEqual([202, 202]);
    expect(one.body.started_at).toBe(two.body.started_at);
    await eventually(
      async () => (await admin.call<Reconciliation>("GET", "/admin/reconciliation")).body,
      ({ state }) => state === "done",
    );
  });

  test("whose process dies is brought to its end by another", async () => {
    const point = join(faults, "order.before-call");
    await reconcile();
    writeFileSync(point, "crash 1 /rpc/audit");
    const begun = await admin.call<Reconciliation>("POST", "/admin/reconciliation");
    expect(begun.body.state).toBe("running");
    const ended = await eventually(
      async () => (await admin.call<Reconciliation>("GET", "/admin/reconciliation")).body,
      ({ state }) => state === "done",
      50,
    );
    expect(existsSync(point)).toBe(false);
    expect(ended).toMatchObject({ state: "done", started_at: begun.body.started_at, drift: {}, stock_drift: 0 });
    expect(ended.as_of).not.toBeNull();
  });

  test("is the admins' to start and to see", async () => {
    for (const [method, status] of [
      ["GET", 200],
      ["POST", 202],
    ] as const) {
      const answers = [];
      for (const who of [anyone, ada, staff, admin])
        answers.push((await who.call(method, "/admin/reconciliation")).status);
      expect(answers).toEqual([401, 403, 403, status]);
    }
  });
});
