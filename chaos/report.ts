import type { Diary } from "./customer.js";
import { type Facts, isClean, outliving, recoveries, spoilt, type Verdict } from "./verdict.js";

export type Report = ReturnType<typeof reportOf>;
type Ran = { seed: number; minutes: number; facts: Facts; diary: Diary; verdict: Verdict; left: number };

const shown = 20;

/** All that a run has to say, as figures and sentences. */
export function reportOf({ seed, minutes, facts, diary, verdict, left }: Ran) {
  const times = recoveries(facts).sort((a, b) => a - b);
  const { lost, stuck, doubled, drift } = verdict;
  return {
    seed,
    minutes,
    clean: isClean(verdict),
    faults: {
      total: facts.faults.length,
      not_possible: facts.faults.filter(({ failed }) => failed !== undefined).length,
      by_kind: counted(facts.faults.map(({ fault }) => fault.kind)),
      by_target: counted(facts.faults.map(({ fault }) => fault.target)),
    },
    answers: Object.fromEntries([...diary.answers].sort()),
    strange_answers: counted(diary.strange),
    orders: { total: facts.orders.length, by_status: counted(facts.orders.map(({ status }) => status)) },
    stories_given_up: left,
    lost: lost.length,
    stuck: stuck.length,
    doubled: doubled.length,
    drift: drift.length,
    dead_letters: verdict.deadLetters.length,
    strange_sagas: verdict.strangeSagas.length,
    sagas_that_outlive_their_order: outliving(facts).length,
    sagas_spoilt_by_dapr: [...facts.sagas.values()].filter((state) => spoilt.includes(state)).length,
    recovery_ms: { p50: times[Math.floor(times.length / 2)] ?? null, max: times.at(-1) ?? null },
    sentences: Object.values(verdict).flatMap((sentences: string[]) => sentences.slice(0, shown)),
  };
}

export function textOf({ faults, answers, orders, recovery_ms, sentences, ...report }: Report): string {
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .map(([what, count]) => `${what} ${count}`)
      .join(", ");
  const seconds = (ms: number | null) => (ms === null ? "-" : `${(ms / 1000).toFixed(1)} s`);
  const { lost, stuck, doubled, drift } = report;
  return [
    "",
    `faults      ${faults.total}, not possible ${faults.not_possible}: ${list(faults.by_kind)}`,
    `            ${list(faults.by_target)}`,
    `answers     ${list(answers)}`,
    `orders      ${orders.total}: ${list(orders.by_status)}; stories given up: ${report.stories_given_up}`,
    `recovery    p50 ${seconds(recovery_ms.p50)}, max ${seconds(recovery_ms.max)}`,
    `lost ${lost}   stuck ${stuck}   doubled ${doubled}   drift ${drift}   dead letters ${report.dead_letters}   strange sagas ${report.strange_sagas} (spoilt by Dapr ${report.sagas_spoilt_by_dapr}, outlive their order ${report.sagas_that_outlive_their_order})`,
    ...sentences.map((sentence) => `  ${sentence}`),
  ].join("\n");
}

function counted(words: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of [...words].sort()) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
