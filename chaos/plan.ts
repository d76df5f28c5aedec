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
/** Of a second replica one of the two is met while it is there. */
const replica = (app: string, round: number) => (round % 2 === 0 ? `${app}-2` : `${app}-2-daprd`);

const kinds = ["kill", "pause", "restart"] as const;
const roundSeconds = 120;
const shortestPause = 2;
const longestPause = 15;
/** At the beginning, so that orders are on their way when the first fault comes. */
const quietSeconds = 5;

/**
 * All faults of a run, made from seed and duration alone. In each round of about two minutes every process is met
 * once, and each replica joins, is met and leaves; from round to round a process meets another kind of fault.
 */
export function planOf(seed: number, minutes: number): Fault[] {
  const random = randomOf(seed);
  const rounds = Math.max(1, Math.round((minutes * 60) / roundSeconds));
  const length = (minutes * 60 - quietSeconds) / rounds;
  const first = new Map(targets.map((target) => [target, Math.floor(random() * kinds.length)]));
  return Array.from({ length: rounds }, (_, round) => {
    const faults = roundOf(random, round, (target) => kinds[((first.get(target) ?? 0) + round) % kinds.length]!);
    const slot = length / faults.length;
    return faults.map((fault, n) => {
      const at = quietSeconds + round * length + (n + random() * 0.8) * slot;
      return { ...fault, at: Math.round(at * 10) / 10 };
    });
  }).flat();
}

function roundOf(random: Random, round: number, kindOf: (target: string) => (typeof kinds)[number]): Fault[] {
  const meet = (target: string): Fault => {
    const kind = kindOf(target);
    if (kind !== "pause") return { at: 0, kind, target };
    return { at: 0, kind, target, seconds: shortestPause + Math.round(random() * (longestPause - shortestPause)) };
  };
  const stays = scaled.map((target): Fault[] => [
    { at: 0, kind: "join", target },
    meet(replica(target, round)),
    { at: 0, kind: "leave", target },
  ]);
  const inTurn = shuffled(random, [...targets.map(meet), ...stays.flatMap((stay) => stay.map(() => stay))]);
  return inTurn.map((next) => (Array.isArray(next) ? next.shift()! : next));
}

export function told({ at, ...fault }: Fault): string {
  const time = `${Math.floor(at / 60)}:${String(Math.floor(at % 60)).padStart(2, "0")}`;
  return `${time}  ${fault.kind.padEnd(8)}${fault.target}${fault.kind === "pause" ? ` for ${fault.seconds} s` : ""}`;
}
