import { expect, test } from "vitest";
import type { Logger } from "./log.js";
import { work } from "./workflow.js";

const nobodyListens = 1;

test("a worker whose sidecar is away can be stopped like any other", async () => {
  const worker = await new Promise<ReturnType<typeof work>>((died) => {
    const error = (_: object, text: string) => /Worker failed/.test(text) && died(started);
    const log = { warn: () => undefined, error } as unknown as Logger;
    const started = work(nobodyListens, { workflows: {}, activities: {} }, log);
  });
  await expect(worker.stop()).resolves.toBeUndefined();
});
