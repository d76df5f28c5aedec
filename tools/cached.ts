import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { cacheDir } from "./dapr.js";
import { oneAtATime } from "./lock.js";
import type { Say } from "./say.js";

/** `name`: of the folder; other content, another name. `proof`: what must be in it, or it is made anew. */
type Wanted = { name: string; proof?: string; what: string; say: Say };

/** A folder of the cache, with what `make` put there, which runs once for each name. */
export async function cached(
  { name, proof = ".", what, say }: Wanted,
  make: (into: string, home: string) => Promise<void>,
): Promise<string> {
  const home = join(cacheDir(), name);
  const found = () => existsSync(join(home, proof));
  if (found()) return home;
  mkdirSync(cacheDir(), { recursive: true });
  await oneAtATime(`${home}.lock`, what, say, async (into) => {
    if (found()) return;
    await make(into, home);
    return home;
  });
  return home;
}
