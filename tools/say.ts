/** A mistake its reader can fix: shown as one sentence, without a stack. */
export class Refusal extends Error {
  override name = "Refusal";
}

export type Say = (line: string) => void;

export const aloud: Say = (line) => console.log(line);
export const silent: Say = () => {};

export const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

export function elapsed(since: number): string {
  const seconds = Math.round((Date.now() - since) / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Says the same line with a growing time until the returned function is called. */
export function ticking(say: Say, line: () => string, everySeconds = 10): () => void {
  const since = Date.now();
  const timer = setInterval(() => say(`  … ${line()} (${elapsed(since)})`), everySeconds * 1000);
  return () => clearInterval(timer);
}

/** Prints the text and ends when the caller asked for help. */
export function help(args: string[], text: string): void {
  if (!args.includes("--help") && !args.includes("-h")) return;
  console.log(text.trim());
  process.exit(0);
}
