import { type Random, randomOf, shuffled } from "./random.js";

/** What is done to a process, and when, in seconds from the beginning. `seconds`: how long a pause lasts. */
export type Fault =
  | { at: number; kind: "kill" | "restart"; target: string }
  | { at: number; kind: "pause"; target: string; seconds: number }
  /** A second replica of an app comes, and goes again. */
  | { at: number; kind: "join" | "leave"; target: string };

const apps = ["product", "user", "inventory", "payment", "order", "notification", "api-gateway"];
const below = ["redis", "postgres", "placement", "scheduler", "provider"];
/** Every process of the system, as the supervisor names it. */
export const targets = [...apps, ...apps.map((app) => `${app}-daprd`), ...below];
export const scaled = ["order", "payment"];

const kinds = ["kill", "pause", "restart"] as const;
const roundSeconds = 120;
const shortestPause = 2;
const longestPause = 15;
/** At the beginning, so that orders are on their way when the first fault comes. */
const quietSeconds = 5;

/**
 * All faults of a run, made from seed and duration alone. In each round of about two minutes every process is met once
 * and each replica joins and leaves; from round to round a process meets another kind of fault.
 */
export function planOf(seed: number, minutes: number): Fault[] {
  const random = randomOf(seed);
  const rounds = Math.max(1, Math.round((minutes * 60) / roundSeconds));
  const length = (minutes * 60 - quietSeconds) / rounds;
  const first = new Map(targets.map((target) => [target, Math.floor(random() * kinds.length)]));
  return Array.from({ length: rounds }, (_, round) => {
    const faults = roundOf(random, (target) => kinds[(first.get(target)! + round) % kinds.length]!);
    const slot = length / faults.length;
    return faults.map((fault, n) => {
      const at = quietSeconds + round * length + (n + random() * 0.8) * slot;
      return { ...fault, at: Math.round(at * 10) / 10 };
    });
  }).flat();
}

function roundOf(random: Random, kindOf: (target: string) => (typeof kinds)[number]): Fault[] {
  const met = targets.map((target): Fault => {
    const kind = kindOf(target);
    if (kind !== "pause") return { at: 0, kind, target };
    return { at: 0, kind, target, seconds: shortestPause + Math.round(random() * (longestPause - shortestPause)) };
  });
  const moves = scaled.flatMap((target): Fault[] => [
    { at: 0, kind: "join", target },
    { at: 0, kind: "leave", target },
  ]);
  return joinedFirst(shuffled(random, [...met, ...moves]));
}

/** A replica leaves after it has come: of each two the first is the join. */
function joinedFirst(faults: Fault[]): Fault[] {
  const here = new Set<string>();
  return faults.map((fault): Fault => {
    if (fault.kind !== "join" && fault.kind !== "leave") return fault;
    const kind = here.has(fault.target) ? "leave" : "join";
    here.add(fault.target);
    return { ...fault, kind };
  });
}

export function told({ at, ...fault }: Fault): string {
  const time = `${Math.floor(at / 60)}:${String(Math.floor(at % 60)).padStart(2, "0")}`;
  return `${time}  ${fault.kind.padEnd(8)}${fault.target}${fault.kind === "pause" ? ` for ${fault.seconds} s` : ""}`;
}
