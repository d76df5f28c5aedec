import { expect, test } from "vitest";
import type { Logger } from "./log.js";
import { work } from "./workflow.js";

const nobodyListens = 1;

test("a worker whose sidecar is away can be stopped like any other", async () => {
  let died = () => undefined as void;
  const dead = new Promise<void>((resolve) => {
    died = resolve;
  });
  const log = { warn: () => undefined, error: (_: object, text: string) => /Worker failed/.test(text) && died() };
  const worker = work(nobodyListens, { workflows: {}, activities: {} }, log as unknown as Logger);
  await dead;
  await expect(worker.stop()).resolves.toBeUndefined();
});
