import { got, person } from "../tools/demo-client.js";
import { quantile, rounded, sumOf, timesOf } from "./figures.js";
import { type Ground, type Options, onSystem, say, show, tell } from "./ground.js";
import type { ReadRequest, ReadResult, Target } from "./load.js";
import { client, warmedUp, watched } from "./loaded.js";
import { full, prepare } from "./shapes.js";
import { table } from "./table.js";

const sizes = [
  { concurrency: 1, requests: 500 },
  { concurrency: 16, requests: 3000 },
  { concurrency: 64, requests: 6000 },
];
const warmUp = { concurrency: 16, requests: 300 };

type Read = { name: string; what: Omit<ReadRequest, "concurrency" | "requests"> };
type Figures = {
  suite: "reads";
  read: string;
  concurrency: number;
  requests_per_second: number;
  p50_ms: number | null;
  p99_ms: number | null;
  cpu_ms_per_request: number;
  requests: number;
  errors: number;
};

/** One order, through the gateway and at its service, and a first page of its customer's orders. */
export async function measureReads(options: Options): Promise<void> {
  say("reads: starting all seven services …");
  const all = await onSystem(options, {}, async (ground) => {
    const target = await prepare(full, ground);
    await warmedUp(target);
    const all: Figures[] = [];
    for (const read of await readsOf(target, ground)) {
      await (await client({ ...read.what, ...warmUp }))();
      for (const { concurrency, requests } of sizes) {
        const size = { concurrency, requests: options.quick ? requests / 10 : requests };
        say(`reads: ${size.requests} × ${read.name}, ${concurrency} at once …`);
        const figures = await measured(read, size, ground);
        tell(options, figures);
        all.push(figures);
      }
    }
    return all;
  });
  show(options, tableOf(all));
}

async function readsOf({ urls, token, headers }: Target, { portBase }: Ground): Promise<Read[]> {
  const { items } = await got(person(urls[0]!, token).orders({ query: { limit: 50 } }));
  const orders = items.map(({ id }) => `/orders/${id}`);
  const atOrder = [`http://127.0.0.1:${8082 + portBase - 8080}`];
  return [
    { name: "order, through the gateway", what: { urls, token, headers, paths: orders } },
    { name: "order, at its service", what: { urls: atOrder, token, headers, paths: orders } },
    { name: "page of 20, through the gateway", what: { urls, token, headers, paths: ["/orders?limit=20"] } },
    { name: "page of 20, at the order service", what: { urls: atOrder, token, headers, paths: ["/orders?limit=20"] } },
  ];
}

async function measured(
  { name, what }: Read,
  size: { concurrency: number; requests: number },
  ground: Ground,
): Promise<Figures> {
  const found = await watched(ground, () => client<ReadResult>({ ...what, ...size }));
  const { readMs, seconds, errors } = found.result;
  return {
    suite: "reads",
    read: name,
    concurrency: size.concurrency,
    requests_per_second: rounded(readMs.length / seconds, 1),
    p50_ms: quantile(readMs, 0.5),
    p99_ms: quantile(readMs, 0.99),
    cpu_ms_per_request: rounded((sumOf(found.cpuAfter) - sumOf(found.cpuBefore)) / Math.max(1, readMs.length), 2),
    requests: readMs.length,
    errors: sumOf(errors),
  };
}

/** Each also as a multiple of the first read at the same concurrency. */
function tableOf(all: Figures[]): string {
  const rows = all.map((one) => {
    const first = all.find(({ concurrency }) => concurrency === one.concurrency)!;
    const { read, concurrency, requests_per_second, p50_ms, p99_ms, cpu_ms_per_request, errors } = one;
    return [
      ...[read, String(concurrency)],
      ...[String(requests_per_second), timesOf(requests_per_second, first.requests_per_second)],
      ...[String(p50_ms ?? "-"), String(p99_ms ?? "-")],
      ...[String(cpu_ms_per_request), timesOf(cpu_ms_per_request, first.cpu_ms_per_request)],
      String(errors),
    ];
  });
  return table([["read", "at once", "reads/s", "", "p50 ms", "p99", "CPU ms/read", "", "errors"], ...rows]);
}
