import { databases } from "../tools/databases.js";
import { infraPorts, instanceOf } from "../tools/instance.js";
import { Refusal } from "../tools/say.js";
import type { Reading } from "./counts.js";
import { type Databases, databasesOf } from "./databases.js";
import type { Ground } from "./ground.js";
import { callsOf, type Metric, metricsAt, redisInfo, total } from "./metrics.js";

/** Asks every part of a running system how much it has done so far. Only whole systems of our own: others' work is nobody's hop. */
export function counters({ portBase, dir, roots, apps }: Ground) {
  const ports = infraPorts(instanceOf({ portBase, dir }));
  const all = roots();
  for (const part of ["postgres", "redis", "scheduler"])
    if (!(part in all))
      throw new Refusal(`${part} was started by somebody else: what others ask of it would be counted.`);
  const asked = databasesOf({ portBase, dir });
  return {
    async read(): Promise<Reading> {
      const [scheduler, store, redis, postgres, ...sidecars] = await Promise.all([
        metricsAt(ports.schedulerMetrics),
        metricsAt(ports.schedulerClient),
        redisInfo(ports.redis, "commandstats", "persistence"),
        postgresCounts(asked),
        ...apps.map(({ metricsPort }) => metricsAt(metricsPort)),
      ]);
      return {
        atMs: performance.now(),
        counts: {
          ...schedulerCounts(scheduler, store),
          ...workflowCounts(sidecars.flat()),
          ...postgres,
          ...redisCounts(redis),
          ...Object.assign({}, ...apps.map(({ appID }, n) => sidecarCounts(appID, sidecars[n]!))),
        },
      };
    },
    close: asked.close,
  };
}

/** `store`: the scheduler keeps its jobs in an etcd of its own. */
const schedulerCounts = (scheduler: Metric[], store: Metric[]) => ({
  "scheduler: jobs created": total(scheduler, "dapr_scheduler_jobs_created_total"),
  "scheduler: jobs triggered": total(scheduler, "dapr_scheduler_jobs_triggered_total"),
  "scheduler: puts": total(store, "etcd_mvcc_put_total"),
  "scheduler: deletes": total(store, "etcd_mvcc_delete_total"),
  "scheduler: fsyncs": total(store, "etcd_disk_wal_fsync_duration_seconds_count"),
  "scheduler: log bytes": total(store, "etcd_disk_wal_write_bytes_total"),
});

function workflowCounts(sidecars: Metric[]) {
  const task = (method: string) =>
    total(sidecars, "dapr_grpc_io_server_completed_rpcs", { grpc_server_method: `/TaskHubSidecarService/${method}` });
  const asked = (operation: string) => total(sidecars, "dapr_runtime_workflow_operation_count", { operation });
  return {
    "workflow: starts": asked("create_workflow"),
    "workflow: events": asked("add_event"),
    "workflow: turns": task("CompleteOrchestratorTask"),
    "workflow: activities": task("CompleteActivityTask"),
  };
}

type Total = Record<string, string>;

async function postgresCounts({ ask, prefix }: Databases) {
  const commits = await ask<{ datname: string; xact_commit: string }>(
    "configuration",
    "SELECT datname, xact_commit FROM pg_stat_database WHERE datname IS NOT NULL",
  );
  const [rows] = await ask<Total>(
    "configuration",
    "SELECT sum(tup_inserted + tup_updated + tup_deleted) AS written FROM pg_stat_database",
  );
  const [wal] = await ask<Total>("configuration", "SELECT wal_records, wal_fpi, wal_bytes FROM pg_stat_wal");
  const [io] = await ask<Total>("configuration", "SELECT sum(fsyncs) AS fsyncs FROM pg_stat_io WHERE object = 'wal'");
  const of = Object.fromEntries(commits.map(({ datname, xact_commit }) => [datname, Number(xact_commit)]));
  const owners = databases.filter((owner) => owner !== "configuration");
  return {
    ...Object.fromEntries(owners.map((owner) => [`postgres: commits, ${owner}`, of[`${prefix}_${owner}`] ?? 0])),
    "postgres: rows written": Number(rows?.written),
    "postgres: WAL records": Number(wal?.wal_records),
    "postgres: WAL full pages": Number(wal?.wal_fpi),
    "postgres: WAL bytes": Number(wal?.wal_bytes),
    "postgres: WAL fsyncs": Number(io?.fsyncs),
  };
}

const redisCounts = (info: Record<string, string>) => ({
  "redis: XADD": callsOf(info, "xadd"),
  "redis: XREADGROUP": callsOf(info, "xreadgroup"),
  "redis: XACK": callsOf(info, "xack"),
  "redis: file bytes": Number(info.aof_current_size),
});

/** Calls in both protocols; a sidecar's probes of its app's health are not among them. */
function sidecarCounts(app: string, metrics: Metric[]) {
  const to = new Set(metrics.flatMap(({ labels }) => (labels.dst_app_id ? [labels.dst_app_id] : [])));
  const sent = "dapr_runtime_service_invocation_req_sent_total";
  return {
    [`calls: ${app} to its sidecar, HTTP`]: total(metrics, "dapr_http_server_request_count"),
    [`calls: ${app} to its sidecar, gRPC`]: total(metrics, "dapr_grpc_io_server_completed_rpcs"),
    [`calls: ${app}'s sidecar to it`]: total(metrics, "dapr_http_client_completed_count"),
    ...Object.fromEntries(
      [...to].map((other) => [`calls: ${app}'s sidecar to ${other}'s`, total(metrics, sent, { dst_app_id: other })]),
    ),
  };
}
