import { type Figures, processesOf, tableOf } from "./figures.js";
import { type Options, onSystem, say, show, tell } from "./ground.js";
import type { Target } from "./load.js";
import { loaded, type Watched, warmedUp } from "./loaded.js";
import { prepare, type Shape, shapes } from "./shapes.js";

const sizes = [
  { concurrency: 1, orders: 50 },
  { concurrency: 16, orders: 500 },
  { concurrency: 64, orders: 1500 },
];
const quickSizes = [
  { concurrency: 1, orders: 10 },
  { concurrency: 16, orders: 40 },
  { concurrency: 64, orders: 100 },
];

/** Orders from POST to `processing`, through each of the shapes. */
export async function measureSaga(options: Options, chosen: Shape[] = shapes): Promise<void> {
  const all: Figures[] = [];
  for (const shape of chosen) all.push(...(await measured(shape, options)));
  show(options, tableOf(all));
  for (const { name } of chosen) {
    const last = all.findLast(({ shape }) => shape === name)!;
    show(options, `${name}, ${last.concurrency} at once:\n${processesOf(last)}`);
  }
}

function measured(shape: Shape, options: Options): Promise<Figures[]> {
  const { name, what, apps, appEnv } = shape;
  say(`${name}: starting ${what} …`);
  return onSystem(options, { appEnv, apps }, async (ground) =>
    atEachSize(name, await prepare(shape, ground), ground, options),
  );
}

/** Orders by one, by few and by many customers at once, after a warm-up. */
export async function atEachSize(name: string, target: Target, ground: Watched, options: Options): Promise<Figures[]> {
  await warmedUp(target, options.quick ? 100 : 1000);
  const all: Figures[] = [];
  for (const size of options.quick ? quickSizes : sizes) {
    say(`${name}: ${size.orders} orders, ${size.concurrency} at once …`);
    const figures = await loaded(name, ground, { ...target, ...size });
    tell(options, figures);
    all.push(figures);
  }
  return all;
}
