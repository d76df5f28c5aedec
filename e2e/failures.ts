import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Status } from "../contracts/order.js";
import { elapsed } from "../tools/say.js";
import { faultNames, matrix } from "./matrix.js";
import type { Cell } from "./support/plays.js";
import { Missed, type Scene, scene, staff } from "./support/scene.js";
import { faults } from "./support/settings.js";
import { atOnce, eventually, orderOf, rowsUnder, sql, statementOf, stockOf, timelineOf } from "./support/system.js";

const price = 2_200;
const stock = 10;

/** CELLS="reserved × error|duplicate" runs only the cells whose names hold one of these. */
const wanted = (process.env.CELLS ?? "").split("|");

type Named = Cell & { step: string; fault: (typeof faultNames)[number]; name: string };
const cells = Object.entries(matrix).flatMap(([step, row]) =>
  faultNames.flatMap((fault): Named[] => {
    const cell = row[fault];
    const name = `${step} × ${fault}`;
    return typeof cell === "string" || !wanted.some((text) => name.includes(text))
      ? []
      : [{ ...cell, step, fault, name }];
  }),
);

for (const left of readdirSync(faults)) rmSync(join(faults, left));

/** Where money and goods are when an order has gone through these statuses. */
function endOf({ moves, taken }: Cell) {
  const status = moves.at(-1);
  const charged = taken || moves.includes("paid");
  const back = status === "cancelled";
  const sold = charged && !back;
  const held = status && !back && !sold ? 1 : 0;
  const reserved = sold ? 1 : 0;
  return {
    status,
    moves,
    refund: charged && back ? "done" : null,
    charges: charged ? 1 : 0,
    refunds: charged && back ? 1 : 0,
    net: sold ? price : 0,
    stock: { on_hand: stock - reserved, held, available: stock - reserved - held, reserved },
    saga: back || status === "delivered" ? "COMPLETED" : status && "RUNNING",
    missed: [],
  };
}

/** What the order, the provider's ledger, the stock and the workflow engine say. */
async function foundOf(s: Scene, moves: Status[]) {
  const { product_id, ...units } = await stockOf(s.product_id);
  const statement = await statementOf(s.id);
  const succeeded = ({ status }: { status: string }) => status === "succeeded";
  const money = {
    charges: statement.charges.filter(succeeded).length,
    refunds: statement.refunds.filter(succeeded).length,
    net: statement.net,
  };
  const rest = { ...money, stock: units, missed: s.missed() };
  if (moves.length === 0) {
    const stored = "SELECT count(*) FROM state WHERE starts_with(key, 'order:') AND value::text LIKE '%";
    const [[count]] = await sql<[[number]]>("order", "query", `${stored}${product_id}%'`);
    return {
      status: undefined,
      moves: Array.from({ length: count }, () => "stored"),
      refund: null,
      saga: undefined,
      ...rest,
    };
  }
  const { payment, status } = await orderOf(staff, s.id);
  const timeline = await timelineOf(staff, s.id);
  const { runtimeStatus } = (await (await s.saga(s.id)).json()) as { runtimeStatus: string };
  const changes = timeline.filter(({ kind }) => kind === "status").map((entry) => entry.status);
  return { status, moves: changes, refund: payment.refund?.status ?? null, saga: runtimeStatus, ...rest };
}

/** Made before anything goes wrong. */
const scenes = new Map(await atOnce(cells, 16, async ({ name }) => [name, await scene()] as const));

type Played = { cell: Named; s: Scene };

async function check({ cell, s }: Played, seconds: number): Promise<void> {
  const end = endOf(cell);
  const found = await eventually(
    () => foundOf(s, cell.moves),
    (now) => JSON.stringify(now) === JSON.stringify({ ...now, ...end }),
    seconds,
  );
  expect(found).toEqual(end);
  await cell.also?.(s);
}

async function played(cell: Named, s: Scene): Promise<Played> {
  try {
    await cell.play(s);
    // After a crash the engine may stand still until its sidecar is started again, which takes half a minute each time.
    await check({ cell, s }, 180);
    return { cell, s };
  } finally {
    s.disarm();
  }
}

/** Another cell's crash may take a process away just before this one's moment in it: then the same with a new order. */
async function playedInTime(cell: Named): Promise<Played> {
  try {
    return await played(cell, scenes.get(cell.name) as Scene);
  } catch (error) {
    if (!(error instanceof Missed && crashes(cell))) throw error;
    return await played(cell, await scene());
  }
}

const outcomes = new Map<string, Promise<Played>>();
/** Plays cells side by side, each with an order of its own. */
async function playAll(some: Named[]): Promise<void> {
  const since = Date.now();
  for (const cell of some) outcomes.set(cell.name, playedInTime(cell));
  await Promise.allSettled(some.map(({ name }) => outcomes.get(name)));
  console.log(`${outcomes.size} of ${cells.length} played (${elapsed(since)})`);
}

const crashes = ({ fault }: Named) => fault.startsWith("crash");
const atPost = ({ step }: Named) => step === "prices asked" || step === "hold at POST";
/**
 * Crashes come last, because each takes along what else its process does at that moment; the orders under way must
 * survive that too. Those that hit a customer's request come before: while others crash, a breaker may be open there.
 */
async function playInTurns(): Promise<void> {
  await playAll(cells.filter((cell) => !crashes(cell)));
  await playAll(cells.filter((cell) => crashes(cell) && atPost(cell)));
  await playAll(cells.filter((cell) => crashes(cell) && !atPost(cell)));
}
const turns = playInTurns();

/** What was seen, for the table. */
const seen = new Map<string, string>();
test.each(cells.map((cell) => [cell.name, cell] as const))("%s", { timeout: 480_000 }, async (_, cell) => {
  seen.set(cell.name, "FAILED");
  while (!outcomes.has(cell.name)) await new Promise((resume) => setTimeout(resume, 100));
  await outcomes.get(cell.name);
  const end = cell.moves.at(-1) ?? "no order";
  seen.set(cell.name, endOf(cell).refunds > 0 ? `${end}, refunded` : end);
});

test("when all is over each order is still where it was, and nobody has anything left to say", async () => {
  await turns;
  for (const outcome of await Promise.allSettled(outcomes.values())) {
    if (outcome.status === "rejected") continue;
    await check(outcome.value, 5).catch((error) => {
      seen.set(outcome.value.cell.name, "FAILED");
      throw new Error(`${outcome.value.cell.name} is no longer where it was: ${error.message}`, { cause: error });
    });
  }
  for (const service of ["order", "payment", "inventory"] as const)
    expect(
      await eventually(
        () => rowsUnder(service, "outbox:"),
        (rows) => rows === 0,
      ),
    ).toBe(0);
});

afterAll(() => {
  const width = (texts: string[]) => Math.max(...texts.map((text) => text.length));
  const columns = ["", ...faultNames];
  const rows = Object.entries(matrix).map(([step, row]) => [
    step,
    ...faultNames.map((fault) => (typeof row[fault] === "string" ? "–" : (seen.get(`${step} × ${fault}`) ?? ""))),
  ]);
  const widths = columns.map((title, n) => width([title, ...rows.map((row) => row[n] as string)]));
  const line = (texts: string[]) => texts.map((text, n) => text.padEnd(widths[n] as number)).join("  ");
  const reasons = Object.entries(matrix).flatMap(([step, row]) =>
    faultNames.flatMap((fault) => (typeof row[fault] === "string" ? [`${step} × ${fault}: ${row[fault]}`] : [])),
  );
  console.log(
    [
      "What went wrong where, and where the order ended",
      "",
      line(columns),
      ...rows.map(line),
      "",
      "–",
      ...reasons.map((reason) => `  ${reason}`),
    ].join("\n"),
  );
});
