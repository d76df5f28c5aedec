import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { instanceOf, root } from "./instance.js";
import { supervisorOf } from "./pids.js";
import { restoredMark } from "./restore.js";
import { help, Refusal } from "./say.js";
import { tokensOf } from "./secrets.js";
import { run as runProgram } from "./shell.js";

const usage = `
npm run repair                     after a restore, or when something may have been lost: every order that is under way
                                   catches up with the payment provider, has its saga woken, started or replaced, and
                                   asks again for what was not answered; then everything is compared. It may be run at
                                   any time and again

  -- --since 2026-01-31T12:00:00Z  charges from then on whose orders nobody knows are listed (otherwise: from the
                                   back-up that was restored last, or the last day)
  -- --refund-unknown              give them back
  -- --json                        one line of JSON

  PORT_BASE, ORDERS_DATA           which system, when it was started with them
`;

/** The order service's, as dapr.yaml says. */
const sidecar = { http: 3502, grpc: 3602 };

export async function run(args: string[]): Promise<void> {
  help(args, usage);
  const instance = instanceOf();
  if (!supervisorOf(instance.dir)) throw new Refusal(`Nothing runs in ${instance.dir}: start it first with npm start.`);
  const env = {
    DAPR_HTTP_PORT: String(sidecar.http + instance.offset),
    DAPR_GRPC_PORT: String(sidecar.grpc + instance.offset),
    DAPR_API_TOKEN: tokensOf(instance.dir, "order").api,
  };
  const json = args.includes("--json");
  const program = join(root, "dist", "services", "order", "repair-orders.js");
  const flags = args.filter((arg) => arg === "--refund-unknown");
  const onLine = (line: string) => (json || line.startsWith("{") ? undefined : console.log(line));
  const { code, output } = await runProgram(process.execPath, [program, ...since(args, instance.dir), ...flags], {
    ...{ cwd: root, env, onLine },
  });
  const report = output.trim().split("\n").at(-1) ?? "";
  if (code !== 0) throw new Refusal(report);
  console.log(json ? report : told(JSON.parse(report)));
}

function since(args: string[], dir: string): string[] {
  const at = args.indexOf("--since");
  if (at >= 0) return [args[at + 1] ?? ""];
  const mark = restoredMark(dir);
  return existsSync(mark) ? [(JSON.parse(readFileSync(mark, "utf8")) as { taken_at: string }).taken_at] : [];
}

type Report = {
  orders: number;
  recovered: number;
  asked: number;
  refunded: number;
  sagas: Record<string, number>;
  strays: { order_id: string; amount: string; currency: string; at: string }[];
  reconciliation: { coverage: Record<string, number>; findings: object[] };
};

function told({ orders, recovered, asked, sagas, strays, refunded, reconciliation }: Report): string {
  const { coverage, findings } = reconciliation;
  return [
    `${orders} orders are under way: ${recovered} caught up with the provider, ${asked} asked again;`,
    `their sagas: ${sagas.woken} woken, ${sagas.started} started, ${sagas.replaced} replaced.`,
    `Charges whose order nobody knows: ${strays.length}${refunded > 0 ? ", given back" : ""}.`,
    ...strays.map(({ order_id, amount, currency, at }) => `  ${order_id}  ${amount} ${currency}  ${at}`),
    `Compared: ${coverage.orders} orders, ${coverage.products} products; ${findings.length} differences.`,
    ...findings.map((finding) => `  ${JSON.stringify(finding)}`),
  ].join("\n");
}
