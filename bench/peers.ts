import { onEngine, prepareEngines } from "./engine.js";
import { engines } from "./engines.js";
import { type Figures, tableOf } from "./figures.js";
import { type Options, onSystem, say, show, tell } from "./ground.js";
import { comparison } from "./ratios.js";
import { atEachSize } from "./saga.js";
import { peer, prepare } from "./shapes.js";

/** The same saga here and on other workflow engines: in turn, on one machine, by the same client and the same meter. */
export async function measurePeers(options: Options): Promise<void> {
  await prepareEngines(say);
  const all: Figures[] = [];
  for (let rounds = options.quick ? 1 : 2; rounds > 0; rounds--) {
    all.push(...(await ours(options)));
    for (const engine of engines) {
      const { name, what } = engine;
      say(`${name}: starting ${what} …`);
      all.push(...(await onEngine(options, engine, (target, ground) => atEachSize(name, target, ground, options))));
    }
  }
  const sizes = comparison(all);
  for (const { ratios } of sizes) for (const ratio of ratios) tell(options, ratio);
  show(options, tableOf(sizes.flatMap(({ means, ratios }) => [...means, ...ratios])));
}

function ours(options: Options): Promise<Figures[]> {
  const { what, apps, appEnv } = peer;
  say(`ours: starting ${what} …`);
  return onSystem(options, { apps, appEnv }, async (ground) =>
    atEachSize("ours", await prepare(peer, ground), ground, options),
  );
}
