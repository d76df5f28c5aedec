import { fetch } from "undici";
import type { ProcessManager } from "./process-manager.js";
import { elapsed, pause, Refusal, type Say } from "./say.js";

/** `name` is the process that answers, so that its log can be shown when it does not. */
export type Check = { name: string; ready: () => Promise<boolean> };

const patienceMs = 90_000;

export function answersOk(url: string): () => Promise<boolean> {
  return async () => {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.arrayBuffer();
    return response.ok;
  };
}

/** Waits until every check passes; refuses when one takes too long or its process keeps dying. */
export async function allReady(checks: Check[], processes: ProcessManager, say: Say): Promise<void> {
  const since = Date.now();
  const open = new Set(checks);
  const timer = setInterval(() => say(`  … waiting for ${names(open)} (${elapsed(since)})`), 5_000);
  try {
    await Promise.all(
      checks.map(async (check) => {
        while (!(await check.ready().catch(() => false))) {
          giveUpIfHopeless(check, open, processes, since);
          await pause(50);
        }
        open.delete(check);
      }),
    );
  } finally {
    clearInterval(timer);
  }
}

function giveUpIfHopeless(check: Check, open: Set<Check>, processes: ProcessManager, since: number): void {
  const failing = processes.failing();
  if (failing)
    throw new Refusal(
      `${failing} keeps stopping as soon as it starts; the end of its log:\n${processes.lastLines(failing)}`,
    );
  if (Date.now() - since < patienceMs) return;
  throw new Refusal(
    `Not ready after ${elapsed(since)}: ${names(open)}; the end of the log of ${check.name}:\n${processes.lastLines(check.name)}`,
  );
}

const names = (open: Set<Check>) => [...new Set([...open].map(({ name }) => name))].join(", ");
