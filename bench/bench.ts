import { portOf } from "../tools/instance.js";
import { help, Refusal } from "../tools/say.js";
import { type Options, say } from "./ground.js";
import { measureGrowth } from "./growth.js";
import { measureHops } from "./hops.js";
import { measureLists } from "./lists.js";
import { measureParts } from "./parts.js";
import { measurePeers } from "./peers.js";
import { measureReads } from "./reads.js";
import { measureReplicas } from "./replicas.js";
import { measureSaga } from "./saga.js";
import { measureScale } from "./scale.js";
import { type Shape, shapes } from "./shapes.js";
import { measureSleepers } from "./sleepers.js";
import { measureStarts } from "./starts.js";

type Suite = { name: string; what: string; measure: (options: Options) => Promise<void> };

const suites: Suite[] = [
  { name: "saga", what: "orders from POST to `processing`: the shapes below", measure: measureSaga },
  { name: "reads", what: "an order and a page of them, read", measure: measureReads },
  { name: "lists", what: "what a page costs among few and among many orders", measure: measureLists },
  { name: "start", what: "`npm start`, fresh and again, and the first order after it", measure: measureStarts },
  {
    name: "hops",
    what: "jobs, transactions, messages and calls per order, as the parts count them",
    measure: measureHops,
  },
  { name: "parts", what: "what Dapr takes for each thing an order is made of: the floor", measure: measureParts },
  {
    name: "growth",
    what: "orders among 10,000 and 100,000 stored ones, and what one takes on disk",
    measure: measureGrowth,
  },
  { name: "peers", what: "the same saga on Restate and on DBOS, in turn with ours", measure: measurePeers },
  {
    name: "scale",
    what: "what each part takes at three steady rates, and what docs/scale.md foresees",
    measure: measureScale,
  },
  { name: "replicas", what: "orders with two of every service, against one", measure: measureReplicas },
  {
    name: "sleepers",
    what: "thousands of orders that wait for money: memory, CPU, others beside them, their end",
    measure: measureSleepers,
  },
];

const listOf = (all: { name: string; what: string }[]) =>
  all.map(({ name, what }) => `  ${name.padEnd(10)}${what}`).join("\n");
const usage = `
npm run bench [-- [<shape> …] [--quick] [--json]]
npm run bench -- --suite <suite>|all [--quick] [--json]

Starts a system of its own with fresh data, measures it, and stops it again. The suites:
${listOf(suites)}

The shapes of the suite "saga", which is measured when none is named:
${listOf(shapes)}

--quick     a look, not a measurement
--observe   the system sends its spans and serves its metrics, as by npm start -- --observe
--kafka     its messages go over Kafka, as by npm start -- --kafka
--json      one JSON line per measurement, nothing else on stdout
PORT_BASE   its ports (28080)
`;

export async function run(args: string[]): Promise<void> {
  help(args, usage);
  if (process.platform !== "linux")
    throw new Refusal("The benchmark reads CPU and memory from /proc: run it on Linux.");
  const quiet = args.includes("--json");
  const [quick, observe] = ["--quick", "--observe"].map((flag) => args.includes(flag)) as [boolean, boolean];
  const broker = args.includes("--kafka") ? ("kafka" as const) : ("redis" as const);
  const options = { quick, observe, quiet, broker, portBase: portOf(process.env.PORT_BASE, 28080) };
  const at = args.indexOf("--suite");
  if (at < 0) return measureSaga(options, shapesIn(args));
  for (const { name, measure } of suitesIn(args[at + 1])) {
    say(`Suite ${name} …`);
    await measure(options);
  }
}

function suitesIn(name: string | undefined): Suite[] {
  const chosen = name === "all" ? suites : suites.filter((suite) => suite.name === name);
  if (chosen.length > 0) return chosen;
  throw new Refusal(`There is no suite "${name}"; there are ${suites.map(({ name }) => name).join(", ")} and all.`);
}

function shapesIn(args: string[]): Shape[] {
  const names = args.filter((arg) => !arg.startsWith("--"));
  const unknown = names.find((name) => shapes.every((shape) => shape.name !== name));
  if (unknown)
    throw new Refusal(`There is no shape "${unknown}"; there are ${shapes.map(({ name }) => name).join(", ")}.`);
  return names.length === 0 ? shapes : shapes.filter(({ name }) => names.includes(name));
}
