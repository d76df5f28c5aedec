import { useEffect, useRef, useState } from "preact/hooks";
import { NoAnswer, Refusal } from "./api.js";

/** In plain words, with what can be done. */
export function inWords(error: unknown): string {
  if (error instanceof NoAnswer) return `${error.message} Nothing is lost: try again in a moment.`;
  if (!(error instanceof Refusal)) return String(error);
  const { status, detail } = error.problem;
  if (status === 429) return "Too many requests in this minute: wait a moment, then try again.";
  if (status === 503) return `Not available just now (${detail}).`;
  return sentence(detail);
}
export const sentence = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

export const passes = (error: unknown) =>
  error instanceof NoAnswer || (error instanceof Refusal && [429, 503].includes(error.problem.status));

export type Asked<T> = { data: T | undefined; error: unknown; reload: () => Promise<void> };

/**
 * What a question is answered with, asked again every so many milliseconds while the page is looked at. While an answer is
 * away the last one stays, also when `about` has changed; what passes by itself is asked again sooner.
 */
export function useAsked<T>(question: () => Promise<T>, about: unknown[], every = 0): Asked<T> {
  const [state, setState] = useState<{ data?: T; error?: unknown }>({});
  const latest = useRef(question);
  latest.current = question;
  const turn = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  async function reload(): Promise<void> {
    const mine = ++turn.current;
    clearTimeout(timer.current);
    let wait = every;
    try {
      const data = await latest.current();
      if (mine === turn.current) setState({ data });
    } catch (error) {
      if (mine === turn.current) setState((before) => ({ ...before, error }));
      if (passes(error)) wait = 1_500;
    }
    if (mine === turn.current && wait > 0) timer.current = setTimeout(again, wait);
  }
  const again = () => (document.hidden ? undefined : void reload());

  useEffect(() => {
    void reload();
    const look = () => every > 0 && again();
    document.addEventListener("visibilitychange", look);
    return () => {
      turn.current++;
      clearTimeout(timer.current);
      document.removeEventListener("visibilitychange", look);
    };
  }, about);
  return { data: state.data, error: state.error, reload };
}

/**
 * A command that is under way once at most; gives whether it was done. `work` gets an Idempotency-Key, which stays the same
 * until an answer has come: what was done without our hearing of it is not done twice.
 */
export function useCommand() {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const going = useRef(false);
  const key = useRef("");
  return {
    busy,
    error,
    clear: () => setError(undefined),
    async run(work: (headers: { "idempotency-key": string }) => Promise<unknown>): Promise<boolean> {
      if (going.current) return false;
      going.current = true;
      key.current ||= randomKey();
      setBusy(true);
      setError(undefined);
      try {
        await work({ "idempotency-key": key.current });
        key.current = "";
        return true;
      } catch (failure) {
        if (!passes(failure)) key.current = "";
        setError(failure);
        return false;
      } finally {
        going.current = false;
        setBusy(false);
      }
    },
  };
}

/** Not randomUUID, which browsers have on secure origins only. */
export const randomKey = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");

/** The time, once a second. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
