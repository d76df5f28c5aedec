import { bytesOf, delivered, recorders, storeCopies } from "./copies.js";
import { databasesOf } from "./databases.js";
import { comparisonOf, type Figures } from "./figures.js";
import { type Options, onSystem, say, show, tell } from "./ground.js";
import { loaded, warmedUp } from "./loaded.js";
import { full, prepare } from "./shapes.js";
import { table } from "./table.js";

const sizes = [0, 10_000, 100_000];
const quickSizes = [0, 1_000];
// Copies have no money at the provider, and nobody shall look for it meanwhile.
const appEnv = { RECONCILE_QUIET_SECONDS: "1000000000" };

/** The same load with few and with many orders stored, delivered ones, and what an order takes on disk. */
export async function measureGrowth(options: Options): Promise<void> {
  const load = { concurrency: 16, orders: options.quick ? 40 : 500 };
  const all: [string, Figures][] = [];
  const bytes: Record<string, number> = {};
  say("growth: starting all seven services …");
  await onSystem(options, { appEnv }, async (ground) => {
    const target = await prepare(full, ground);
    await warmedUp(target);
    const databases = databasesOf(ground);
    const template = await delivered(target.urls[0]!);
    let stored = 0;
    for (const size of options.quick ? quickSizes : sizes) {
      say(`growth: storing ${words(size)} orders …`);
      const before = await bytesOf(databases);
      await storeCopies(databases, template, stored + 1, size);
      const after = await bytesOf(databases);
      for (const recorder of recorders)
        if (size > 0) bytes[recorder] = Math.round((after[recorder]! - before[recorder]!) / (size - stored));
      stored = size;
      say(`growth: ${load.orders} orders, ${load.concurrency} at once, among ${words(size)} …`);
      const sagasBefore = await bytesOf(databases);
      const figures = await loaded(full.name, ground, { ...target, ...load });
      const sagas = (await bytesOf(databases))[saga]! - sagasBefore[saga]!;
      bytes[saga] = Math.round(sagas / load.orders);
      tell(options, { suite: "growth", stored: size, ...figures });
      all.push([words(size), figures]);
    }
    await databases.close();
  });
  tell(options, { suite: "growth", bytes_per_order: bytes });
  show(options, comparisonOf("orders stored", all));
  const rows = Object.entries(bytes).map(([name, size]) => [name, String(size)]);
  show(options, table([["table of", "bytes per order"], ...rows]));
}

const saga = "order's workflow_state";
const words = (count: number) => count.toLocaleString("en");
