import { z } from "zod";
import { Time } from "../../contracts/common.js";
import { updater } from "../../kit/aggregate.js";
import { connect } from "../../kit/dapr.js";
import { logger } from "../../kit/log.js";
import { outbox } from "../../kit/outbox.js";
import { sqlBinding } from "../../kit/sql.js";
import { stateStore } from "../../kit/state.js";
import { workflows } from "../../kit/workflow.js";
import { instanceRows } from "./instances.js";
import { orders } from "./orders.js";
import { reconciler } from "./reconciler.js";
import { repairer } from "./repair.js";

// node repair-orders.js [<since>] [--refund-unknown]: beside the order service's sidecar, while the system runs. What it
// does goes to stderr, what came of it to stdout as JSON.

const env = z
  .object({
    DAPR_HTTP_PORT: z.coerce.number().int(),
    DAPR_GRPC_PORT: z.coerce.number().int(),
    DAPR_API_TOKEN: z.string().optional(),
  })
  .safeParse(process.env);
const [since = new Date(Date.now() - 24 * 60 * 60_000).toISOString()] = process.argv
  .slice(2)
  .filter((a) => a[0] !== "-");

try {
  if (!env.success)
    throw new Error("DAPR_HTTP_PORT and DAPR_GRPC_PORT must be set: run this beside the order service.");
  if (!Time.safeParse(since).success) throw new Error(`${since} is no time: write it like 2026-01-31T12:00:00.000Z.`);
  const log = logger("repair", "error");
  const dapr = connect(env.data);
  if (!(await dapr.ready()))
    throw new Error("The order service's sidecar is not ready: start the system, then try again.");
  const store = stateStore(dapr, "order");
  const sql = sqlBinding(dapr, "order");
  const instances = workflows(connect(env.data, 10_000), instanceRows(sql));
  const out = outbox({ dapr, sql, app: "order", log, workflows: instances });
  const update = updater(store, out);
  const repair = repairer({
    ...{ dapr, sql, outbox: out, workflows: instances, sidecar: env.data },
    orders: orders(store, sql, update, out),
    reconciler: reconciler({ dapr, store, sql, update, log, quietSeconds: 0 }),
    say: (line) => console.error(line),
  });
  console.log(JSON.stringify(await repair(since, process.argv.includes("--refund-unknown"))));
  process.exit(0);
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
