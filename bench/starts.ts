import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { must } from "../client/client.js";
import { demoProducts } from "../contracts/demo.js";
import { signal } from "../tools/identity.js";
import { root } from "../tools/instance.js";
import { supervisorOf } from "../tools/pids.js";
import { Refusal } from "../tools/say.js";
import { quantile, timesOf } from "./figures.js";
import { dirOf, type Options, say, show, tell, untilQuiet, wipe } from "./ground.js";
import { signedIn, until } from "./people.js";
import { table } from "./table.js";

/** From the command to its lines; `first_order` and `second_order` from POST to `processing`. */
type Start = {
  suite: "start";
  start: "fresh" | "warm";
  /** npm, the compiler that finds nothing to do, and what a start looks at first. */
  command_ms: number;
  /** PostgreSQL, Redis, placement, scheduler, provider. */
  infra_ms: number;
  /** The apps and their sidecars. */
  apps_ms: number;
  ready_ms: number;
  first_order_ms: number;
  second_order_ms: number;
  stop_ms: number;
};
const figures = [
  ...(["command_ms", "infra_ms", "apps_ms", "ready_ms"] as const),
  ...(["first_order_ms", "second_order_ms", "stop_ms"] as const),
];

/** `npm start` as its user meets it, with Dapr cached and dist/ built: on no data, and again on what is there. */
export async function measureStarts(options: Options): Promise<void> {
  const dir = dirOf(options.portBase);
  const all: Start[] = [];
  for (let round = 0; round < (options.quick ? 1 : 3); round++) {
    await wipe(dir);
    for (const start of ["fresh", "warm"] as const) {
      await untilQuiet(options);
      say(`start: npm start, ${start} …`);
      const found: Start = { suite: "start", start, ...(await measured(options.portBase, dir)) };
      tell(options, found);
      all.push(found);
    }
  }
  await wipe(dir);
  show(options, tableOf(all));
}

async function measured(portBase: number, dir: string) {
  const env = { ...process.env, PORT_BASE: String(portBase), ORDERS_DATA: dir };
  const began = performance.now();
  const since = () => Math.round(performance.now() - began);
  const npm = spawn("npm", ["start"], { cwd: root, env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(npm, "exit");
  try {
    const at: Record<string, number> = {};
    const said: string[] = [];
    for await (const line of createInterface({ input: npm.stdout })) {
      said.push(line);
      if (/^(Preparing|Starting) PostgreSQL/.test(line)) at.infra ??= since();
      if (line.startsWith("Starting product")) at.apps = since();
      if (!line.startsWith("Ready after")) continue;
      at.ready = since();
      break;
    }
    const { infra, apps, ready } = at;
    if (infra === undefined || apps === undefined || ready === undefined)
      throw new Refusal(`npm start did not say what it is expected to say:\n${said.join("\n")}`);
    const order = await customer(`http://127.0.0.1:${portBase}`);
    const first_order_ms = await order();
    const second_order_ms = await order();
    const stopping = performance.now();
    await stop();
    const stop_ms = Math.round(performance.now() - stopping);
    const phases = { command_ms: infra, infra_ms: apps - infra, apps_ms: ready - apps, ready_ms: ready };
    return { ...phases, first_order_ms, second_order_ms, stop_ms };
  } finally {
    await stop();
  }

  /** As Ctrl-C does. */
  async function stop() {
    const supervisor = supervisorOf(dir);
    if (supervisor) signal(supervisor, "SIGINT");
    await ended;
  }
}

/** Places an order and says after how many milliseconds it was `processing`. */
async function customer(url: string): Promise<() => Promise<number>> {
  const ada = await signedIn(url, "ada");
  const items = [{ product_id: demoProducts[0]!.id, quantity: 1 }];
  return async () => {
    const began = performance.now();
    const headers = { "idempotency-key": randomUUID() };
    const { id } = await must(ada.placeOrder({ headers, body: { items, payment_method: "card_ok" } }));
    await until(ada, id, ["processing"], 5);
    return Math.round(performance.now() - began);
  };
}

/** The medians of the rounds. */
function tableOf(all: Start[]): string {
  const medianOf = (of: "fresh" | "warm", figure: (typeof figures)[number]) =>
    quantile(
      all.filter(({ start }) => start === of).map((one) => one[figure]),
      0.5,
    );
  const rows = figures.map((figure) => {
    const [fresh, warm] = [medianOf("fresh", figure), medianOf("warm", figure)];
    return [figure.replace("_ms", " ms").replaceAll("_", " "), String(fresh), String(warm), timesOf(warm, fresh)];
  });
  return table([["npm start", "fresh", "warm", ""], ...rows]);
}
