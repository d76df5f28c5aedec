import { expect, test } from "vitest";
import { planOf, scaled, targets } from "./plan.js";

const seeds = [1, 2, 3, 4711];

test("the same seed and duration are the same plan, another seed is another one", () => {
  expect(planOf(7, 10)).toEqual(planOf(7, 10));
  expect(planOf(8, 10)).not.toEqual(planOf(7, 10));
});

test.each(seeds)("seed %s: ten minutes hold at least sixty faults, in their order, all before the end", (seed) => {
  const times = planOf(seed, 10).map(({ at }) => at);
  expect(times.length).toBeGreaterThanOrEqual(60);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(times.at(-1)).toBeLessThan(600);
});

test.each(seeds)("seed %s: every process is met in every two minutes", (seed) => {
  const plan = planOf(seed, 10);
  for (let round = 0; round < 5; round++) {
    const inRound = plan.slice(round * (plan.length / 5), (round + 1) * (plan.length / 5));
    const met = inRound.filter(({ kind }) => kind !== "join" && kind !== "leave").map(({ target }) => target);
    expect(met.filter((target) => !target.includes("-2")).sort()).toEqual([...targets].sort());
    expect(inRound.at(-1)!.at - inRound[0]!.at).toBeLessThan(120);
  }
});

test.each(seeds)("seed %s: in ten minutes every process is killed, paused and restarted", (seed) => {
  const met = new Set(planOf(seed, 10).map(({ kind, target }) => `${kind} ${target}`));
  for (const target of targets)
    for (const kind of ["kill", "pause", "restart"]) expect(met).toContain(`${kind} ${target}`);
});

test.each(seeds)("seed %s: a replica joins, is met and leaves, pauses last 2 to 15 s", (seed) => {
  const plan = planOf(seed, 10);
  for (const app of scaled) {
    const stays = plan.filter(({ kind, target }) =>
      kind === "join" || kind === "leave" ? target === app : target.startsWith(`${app}-2`),
    );
    expect(stays.length).toBe(15);
    stays.forEach(({ kind }, n) => {
      expect(["join", "leave"].indexOf(kind)).toBe([0, -1, 1][n % 3]);
    });
  }
  for (const fault of plan)
    if (fault.kind === "pause") {
      expect(fault.seconds).toBeGreaterThanOrEqual(2);
      expect(fault.seconds).toBeLessThanOrEqual(15);
    }
});

test("a short run still meets every process", () => {
  const met = new Set(planOf(1, 2).map(({ target }) => target));
  for (const target of targets) expect(met).toContain(target);
});
