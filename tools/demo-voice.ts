import { styleText } from "node:util";

const lively = process.stdout.isTTY === true;
const coloured = lively && !process.env.NO_COLOR;
const everyMs = lively ? 200 : 5_000;

export const paint = (style: Parameters<typeof styleText>[0], text: string) =>
  coloured ? styleText(style, text) : text;

/** A story's voice: kept back until it is the story's turn, then heard at once. */
export type Voice = ReturnType<typeof voice>;

export function voice(name: string) {
  const kept: string[] = [];
  const begun = Date.now();
  let onStage = false;
  let awaited: { what: string; since: number } | undefined;
  const print = (line: string) => void (onStage ? out(line) : kept.push(line));
  return {
    name,
    print,
    say: (sentence: string) => print(`${((Date.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${sentence}`),
    awaits(what: string | undefined) {
      awaited = what ? { what, since: Date.now() } : undefined;
    },
    waiting: () => awaited && `until ${awaited.what} (${Math.round((Date.now() - awaited.since) / 1000)} s)`,
    takeStage() {
      onStage = true;
      for (const line of kept.splice(0)) out(line);
    },
  };
}

/** Stories that play at the same time are told one after the other; meanwhile a line says what is waited for. */
export async function tellInTurn<T>(plays: { voice: Voice; ended: Promise<T> }[]): Promise<T[]> {
  const playing = new Set(plays.map((play) => play.voice));
  for (const play of plays) void play.ended.finally(() => playing.delete(play.voice)).catch(() => {});
  const results: T[] = [];
  for (const { voice, ended } of plays) {
    voice.takeStage();
    const others = () => [...playing].filter((other) => other !== voice).map(({ name }) => name);
    const beside = () => (others().length > 0 ? `; playing beside it: ${others().join(", ")}` : "");
    const timer = setInterval(
      () => hint(`… ${voice.waiting() ?? "looking at order, money and stock"}${beside()}`),
      everyMs,
    );
    results.push(await ended.finally(() => clearInterval(timer)));
  }
  return results;
}

const wipe = "\r\x1b[2K";
const out = (line: string) => console.log(lively ? wipe + line : line);
const hint = (line: string) =>
  lively ? process.stdout.write(`${wipe}          ${line}`.slice(0, 100)) : console.log(`          ${line}`);
