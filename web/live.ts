import { EventSourceParserStream } from "eventsource-parser/stream";
import { useEffect, useRef, useState } from "preact/hooks";
import type { OrderView, TimelineEntry } from "../contracts/order.js";
import type { PaymentView } from "../contracts/payment.js";
import { ask, Refusal } from "./api.js";
import { ended, session } from "./session.js";

const pause = (ms: number) => new Promise((resume) => setTimeout(resume, ms));

/** Resolves when the page is looked at: a browser has six connections per host, and hidden tabs must not hold them. */
const seen = () =>
  document.hidden
    ? new Promise<void>((resume) => document.addEventListener("visibilitychange", () => resume(), { once: true }))
    : undefined;

type Heard = { entry: (entry: TimelineEntry) => void; connected: (is: boolean) => void };

/** Follows an order's stored history from the entry after `seq`; a lost connection is taken up where it ended. */
async function follow(orderId: string, heard: Heard, signal: AbortSignal): Promise<void> {
  for (let seq = 0; !signal.aborted; await pause(800)) {
    await seen();
    const stop = new AbortController();
    const end = () => stop.abort();
    const hide = () => document.hidden && end();
    document.addEventListener("visibilitychange", hide);
    signal.addEventListener("abort", end);
    try {
      const token = session.get()?.token;
      const headers = {
        authorization: `Bearer ${token}`,
        accept: "text/event-stream",
        "last-event-id": `${seq}`,
      };
      const answer = await fetch(`/orders/${orderId}/events`, { headers, signal: stop.signal });
      if (answer.status === 401) ended(token);
      if ([401, 403, 404].includes(answer.status)) return;
      if (!answer.ok || !answer.body) throw new Error(`${answer.status}`);
      heard.connected(true);
      const events = answer.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
      for (const reader = events.getReader(); ; ) {
        const { done, value } = await reader.read();
        if (done) break;
        const entry = JSON.parse(value.data) as TimelineEntry;
        seq = entry.seq;
        heard.entry(entry);
      }
    } catch {
      if (!document.hidden && !signal.aborted) heard.connected(false);
    } finally {
      document.removeEventListener("visibilitychange", hide);
      signal.removeEventListener("abort", end);
    }
  }
}

/** Calls `changed` when something happens to the order, and once at the beginning. */
export function useChanges(orderId: string | undefined, changed: (entry: TimelineEntry) => void): boolean {
  const [connected, setConnected] = useState(true);
  const latest = useRef(changed);
  latest.current = changed;
  const token = session.use()?.token;
  useEffect(() => {
    if (!orderId || !token) return;
    const end = new AbortController();
    void follow(orderId, { entry: (entry) => latest.current(entry), connected: setConnected }, end.signal);
    return () => end.abort();
  }, [orderId, token]);
  return connected;
}

export type Story = {
  order: OrderView | undefined;
  payments: PaymentView[];
  timeline: TimelineEntry[];
  connected: boolean;
  refusal: string;
  reload: () => void;
};

/** An order with its money and history, as it is now. */
export function useStory(orderId: string | undefined): Story {
  const [facts, setFacts] = useState<{ id?: string; order?: OrderView; payments: PaymentView[] }>({ payments: [] });
  const [timeline, setTimeline] = useState<TimelineEntry[]>([]);
  const [refusal, setRefusal] = useState("");
  const [turn, setTurn] = useState(0);
  const token = session.use()?.token;
  const reload = () => setTurn((n) => n + 1);
  useEffect(() => {
    setTimeline([]);
    setRefusal("");
  }, [orderId, token]);

  const connected = useChanges(orderId, (entry) => {
    setTimeline((before) => (before.some(({ seq }) => seq === entry.seq) ? before : [...before, entry]));
    reload();
  });

  useEffect(() => {
    if (!orderId || !token) return;
    let current = true;
    // Entries come in bunches: the last one asks.
    const timer = setTimeout(async () => {
      for (let wait = 500; current; wait = Math.min(wait * 2, 4_000)) {
        try {
          const params = { id: orderId };
          const order = await ask("GET /orders/{id}", { params });
          if (!current) return;
          setFacts((before) => ({ id: orderId, order, payments: before.id === orderId ? before.payments : [] }));
          const { items: payments } = await ask("GET /orders/{id}/payments", { params });
          if (current) setFacts({ id: orderId, order, payments });
          return;
        } catch (error) {
          if (error instanceof Refusal && error.problem.status < 500 && error.problem.status !== 429) {
            if (current) setRefusal(error.message);
            return;
          }
          await pause(wait);
        }
      }
    }, 40);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [orderId, token, turn]);

  // An attempt is known to the payment service before the order hears of it.
  const moves = facts.order?.payment.status === "pending" || (facts.order?.payment.refund?.status ?? "done") !== "done";
  useEffect(() => {
    const timer = moves ? setInterval(() => document.hidden || reload(), 2_000) : undefined;
    return () => clearInterval(timer);
  }, [moves]);

  const { order, payments } = facts.id === orderId ? facts : { order: undefined, payments: [] };
  return { order, payments, timeline, connected, refusal, reload };
}
