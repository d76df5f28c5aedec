import { open } from "../../contracts/metrics.js";
import type { Read, Reading } from "../../kit/gauges.js";
import type { Sql } from "../../kit/sql.js";
import { givingBack } from "./orders.js";
import type { Reconciler } from "./reconciler.js";

const external = "(value->'payment'->>'external')::boolean";
/** People pay back what was paid outside, and take their time. */
const onlyStaff = `owed AND ${external} AND value->>'released_at' IS NOT NULL`;

/** Past their time to pay for so long, or cancelled, orders should have been brought on. */
const patience = { paying: 60_000, giving_back: 600_000 };

type Open = { status: (typeof open)[number]; orders: number; oldest: string; late: number };
type Returning = { orders: number; oldest: string | null; late: number; provider: number; staff: number };

/** Both statements look at what is open only, by the indexes of orders.ts: a million ended orders cost nothing. */
export function orderGauges(sql: Sql, reconciler: Reconciler): Read[] {
  const before = (ms: number) => new Date(Date.now() - ms).toISOString();

  async function orders(): Promise<Reading[]> {
    const found = await sql.sure<Open>(
      `SELECT jsonb_build_object('status', value->>'status', 'orders', count(*), 'oldest', min(value->>'created_at'),
         'late', count(*) FILTER (WHERE value->>'pay_by' < $1))
       FROM state WHERE starts_with(key, 'order:') AND value->>'status' IN (${open.map((one) => `'${one}'`)})
       GROUP BY value->>'status'`,
      before(patience.paying),
    );
    const [returning] = await sql.sure<Returning>(
      `SELECT jsonb_build_object('orders', count(*), 'oldest', min(value->>'cancelled_at'),
         'late', count(*) FILTER (WHERE value->>'cancelled_at' < $1 AND NOT (${onlyStaff})),
         'provider', count(*) FILTER (WHERE owed AND NOT ${external}),
         'staff', count(*) FILTER (WHERE owed AND ${external}))
       FROM state, LATERAL (SELECT value->'refunds' @? '$[*] ? (@.status != "done")') AS refunds(owed)
       WHERE starts_with(key, 'order:') AND ${givingBack}`,
      before(patience.giving_back),
    );
    return [...ofOpen(found), ...ofReturning(returning as Returning)];
  }

  async function reconciliation(): Promise<Reading[]> {
    const { findings, as_of } = await reconciler.last();
    const kinds = ["payment", "provider", "reservation", "stock"] as const;
    return [
      ...kinds.map((kind): Reading => {
        const value = findings.filter((finding) => finding.kind === kind).length;
        return { name: "reconciliation.findings", value, attributes: { kind } };
      }),
      ...(as_of ? [{ name: "reconciliation.age", value: age(as_of), attributes: {} } as const] : []),
    ];
  }

  return [orders, reconciliation];
}

const age = (since: string | null | undefined): number => (since ? (Date.now() - Date.parse(since)) / 1000 : 0);
const earliest = (some: Open[]) => some.map(({ oldest }) => oldest).sort()[0];

function ofOpen(found: Open[]): Reading[] {
  const paying = found.filter(({ status }) => status !== "processing" && status !== "shipped");
  const delivering = found.filter((one) => !paying.includes(one));
  const sum = (some: Open[], of: "orders" | "late") => some.reduce((all, one) => all + one[of], 0);
  return [
    ...open.map((status): Reading => {
      const value = found.find((one) => one.status === status)?.orders ?? 0;
      return { name: "orders.open", value, attributes: { status } };
    }),
    { name: "orders.stuck", value: sum(paying, "late"), attributes: { phase: "paying" } },
    { name: "sagas.open", value: sum(paying, "orders"), attributes: { phase: "paying" } },
    { name: "sagas.open", value: sum(delivering, "orders"), attributes: { phase: "delivering" } },
    { name: "saga.age", value: age(earliest(paying)), attributes: { phase: "paying" } },
    { name: "saga.age", value: age(earliest(delivering)), attributes: { phase: "delivering" } },
  ];
}

function ofReturning({ orders, oldest, late, provider, staff }: Returning): Reading[] {
  return [
    { name: "orders.stuck", value: late, attributes: { phase: "giving_back" } },
    { name: "sagas.open", value: orders, attributes: { phase: "giving_back" } },
    { name: "saga.age", value: age(oldest), attributes: { phase: "giving_back" } },
    { name: "orders.refunds.pending", value: provider, attributes: { by: "provider" } },
    { name: "orders.refunds.pending", value: staff, attributes: { by: "staff" } },
  ];
}
