import { type Client, createClient, must } from "../client/client.js";
import { demoAccounts } from "../contracts/demo.js";
import type { BrokerName } from "../tools/broker.js";
import { opening, other, tokenOf } from "../tools/demo-client.js";
import { instanceOf, portOf } from "../tools/instance.js";
import { reset } from "../tools/reset.js";
import { elapsed, help, pause, Refusal } from "../tools/say.js";
import { tokensOf } from "../tools/secrets.js";
import { launch, type System } from "../tools/supervisor.js";
import { type Customer, customer, type Diary, emptyDiary, gaveUp } from "./customer.js";
import { collect, settle, type Witnesses } from "./facts.js";
import { inflict } from "./faults.js";
import { planOf, told } from "./plan.js";
import { type Random, randomOf } from "./random.js";
import { reportOf, textOf } from "./report.js";
import { nextStory, type Scene } from "./stories.js";
import { isClean, verdictOf } from "./verdict.js";

const usage = `
npm run chaos [-- --minutes 10] [--seed 1] [--kafka] [--json] [--plan]

Starts a system of its own with fresh data. Customers order, pay, cancel, repeat themselves, while every process of the
system is killed, paused and restarted and replicas come and go. Then everything is left alone, and it is counted what is
lost, stuck after a minute, done twice, or not where it belongs. Ends with 1 when anything is.

--minutes   how long faults come (10)
--seed      which faults and which stories, at which time (1)
--kafka     on Kafka instead of Redis; the faults that would meet Redis meet it
--json      the result as one JSON line on stdout
--plan      only print the faults
PORT_BASE   its ports (25080); its data is deleted first, and logs stay afterwards
`;

const ordersPerSecond = 5;
const customers = 6;
const scarceStock = 60;
const plentyStock = 1_000_000;
/** After the last fault is healed: how long stories go on, and then how long an order may stand still. */
const storiesMs = 45_000;
const standstillMs = 60_000;

/** Times as short as a shop could have them, so that what waits for them ends with the run. */
const settings = {
  payment_window_seconds: "30",
  repeat_interval_seconds: "4",
  requests_per_minute: "1000000",
  sign_ins_per_minute: "100000",
};
const appEnv = { RECONCILE_QUIET_SECONDS: "2" };

// Progress goes to stderr: stdout is for the result.
const say = (line: string) => console.error(line);

export async function run(args: string[]): Promise<void> {
  help(args, usage);
  const number = (name: string, otherwise: number) => {
    const at = args.indexOf(name);
    const value = at < 0 ? otherwise : Number(args[at + 1]);
    if (Number.isFinite(value) && value >= 0) return value;
    throw new Refusal(`${name} takes a number: ${name} ${otherwise}.`);
  };
  const [minutes, seed] = [number("--minutes", 10), number("--seed", 1)];
  const broker = args.includes("--kafka") ? "kafka" : "redis";
  const plan = planOf(seed, minutes).map((fault) => (fault.target === "redis" ? { ...fault, target: broker } : fault));
  if (args.includes("--plan")) return console.log(plan.map(told).join("\n"));

  const instance = instanceOf({ portBase: portOf(process.env.PORT_BASE, 25080) });
  await reset(instance);
  say("Starting the system …");
  const system = await launch({ portBase: instance.portBase, settings, appEnv, broker, quiet: true });
  let clean = false;
  try {
    const diary = emptyDiary();
    const witnesses = await witnessesOf(system, instance.offset, broker);
    const shop = await open(witnesses);
    const cast = await castOf(system.url, diary);
    say(`Seed ${seed}: ${plan.length} faults in ${minutes} minutes, ${ordersPerSecond} orders per second.`);

    const began = Date.now();
    const random = randomOf(seed);
    const load = play(() => sceneOf(cast, shop, random), random, began + minutes * 60_000, diary);
    const stopSaying = progress(began, diary, load.under);
    const faults = await inflict(plan, system.control, began, say);
    const healed = Date.now();
    say(`All faults are healed after ${elapsed(began)}.`);
    cast.giveUpAt = healed + storiesMs;
    const left = await load.ended;
    stopSaying();
    await settle(witnesses, Math.max(healed, diary.lastAt) + standstillMs - Date.now(), say);

    const since = Date.now();
    const facts = await collect(witnesses, diary, faults, shop.stock);
    say(`Looked at ${facts.orders.length} orders in ${elapsed(since)}.`);
    const verdict = verdictOf(facts);
    clean = isClean(verdict);
    const report = reportOf({ seed, minutes, facts, diary, verdict, left });
    console.log(args.includes("--json") ? JSON.stringify(report) : textOf(report));
  } finally {
    await system.stop();
  }
  process.exit(clean ? 0 : 1);
}

const password = process.env.DEMO_PASSWORD ?? "demo-password-1";
const signIn = async (url: string, email: string): Promise<Client> =>
  createClient({ url, token: await tokenOf(url, email, password) });

async function witnessesOf({ url, dir }: System, offset: number, broker: BrokerName): Promise<Witnesses> {
  const [admin, staff] = await Promise.all([signIn(url, demoAccounts[0].email), signIn(url, demoAccounts[1].email)]);
  const port = (inFile: number) => inFile + offset;
  const sidecar = (app: string, inFile: number) =>
    other(`http://127.0.0.1:${port(inFile)}`, opening(tokensOf(dir, app).api));
  return { admin, staff, anyone: createClient({ url }), port, sidecar, broker };
}

type Shop = { plenty: string; scarce: string; stock: Map<string, number> };

/** Two products of this run: one that never runs out, and one that does. */
async function open({ admin, staff }: Witnesses): Promise<Shop> {
  const add = async (name: string, on_hand: number) => {
    const { id } = await must(admin.addProduct({ body: { name, price: "22.00", currency: "EUR" } }));
    await must(staff.setStock({ params: { product_id: id }, body: { on_hand } }));
    return id;
  };
  const [plenty, scarce] = [await add("Plenty", plentyStock), await add("Scarce", scarceStock)];
  const stock = new Map([
    [plenty, plentyStock],
    [scarce, scarceStock],
  ]);
  return { plenty, scarce, stock };
}

type Cast = { customers: Customer[]; staff: Customer; giveUpAt: number };

async function castOf(url: string, diary: Diary): Promise<Cast> {
  const cast: Cast = { customers: [], staff: undefined as never, giveUpAt: Number.POSITIVE_INFINITY };
  const played = async (email: string, secret = password) =>
    customer({ url, token: await tokenOf(url, email, secret), diary, patience: () => cast.giveUpAt });
  cast.staff = await played(demoAccounts[1].email);
  const anyone = createClient({ url });
  for (let n = 0; n < customers; n++) {
    const account = { email: `customer-${n}@example.org`, password: crypto.randomUUID(), name: `Customer ${n}` };
    await must(anyone.signUp({ body: account }));
    cast.customers.push(await played(account.email, account.password));
  }
  return cast;
}

function sceneOf({ customers, staff }: Cast, { plenty, scarce }: Shop, random: Random): Scene {
  const customer = customers[Math.floor(random() * customers.length)]!;
  const heads = random() < 0.5;
  return { customer, staff, plenty, scarce, coin: () => heads };
}

/** Begins stories at a steady pace until the time; `ended` tells how many were given up. */
function play(scene: () => Scene, random: Random, until: number, { strange }: Diary) {
  let under = 0;
  const began: Promise<boolean>[] = [];
  const begin = async (): Promise<boolean> => {
    under++;
    try {
      await nextStory(random)(scene());
      return true;
    } catch (error) {
      if (!gaveUp(error)) strange.push(`${error}`);
      return false;
    } finally {
      under--;
    }
  };
  const ended = (async () => {
    while (Date.now() < until) {
      began.push(begin());
      await pause((2 * random() * 1000) / ordersPerSecond);
    }
    return (await Promise.all(began)).filter((whole) => !whole).length;
  })();
  return { ended, under: () => under };
}

function progress(began: number, diary: Diary, under: () => number): () => void {
  const timer = setInterval(() => {
    const answers = [...diary.answers].reduce((sum, [, count]) => sum + count, 0);
    const none = [...diary.answers].reduce(
      (sum, [what, count]) => sum + (/: no answer| 5\d\d$/.test(what) ? count : 0),
      0,
    );
    const placed = diary.acknowledged.filter(({ what }) => what === "placed").length;
    say(
      `  ${elapsed(began)}: ${placed} orders, ${under()} stories under way, ${answers} requests, ${none} of them tried again`,
    );
  }, 10_000);
  return () => clearInterval(timer);
}
