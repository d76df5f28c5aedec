import { addAbortSignal, type Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { TimelineEntry } from "../../contracts/order.js";
import { Problem } from "../../kit/problem.js";

/**
 * An order's timeline as it grows, from its server-sent events. The first stream is opened before anything is answered,
 * so that a refusal is the answer; one that ends later is opened again after the last entry.
 */
export async function follow(open: (after: number) => Promise<Readable>, after: number, signal: AbortSignal) {
  const opened = async (last: number) => addAbortSignal(signal, await open(last));

  /** Nothing while the service is away; a refusal is thrown. */
  async function again(last: number): Promise<Readable | undefined> {
    await pause(1_000, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return undefined;
    return opened(last).catch((error) => {
      if (error instanceof Problem && error.status < 500 && error.status !== 429) throw error;
      return undefined;
    });
  }

  async function* entries(first: Readable): AsyncGenerator<TimelineEntry> {
    let last = after;
    for (let stream: Readable | undefined = first; !signal.aborted; stream = await again(last)) {
      for await (const { data } of eventsOf(stream)) {
        const entry = TimelineEntry.parse(JSON.parse(data));
        last = entry.seq;
        yield entry;
      }
    }
  }
  return entries(await opened(after));
}

/** Events until the stream ends or breaks. */
async function* eventsOf(stream: Readable | undefined): AsyncGenerator<EventSourceMessage> {
  const complete: EventSourceMessage[] = [];
  const utf8 = new TextDecoder();
  const parser = createParser({ onEvent: (event) => complete.push(event) });
  try {
    for await (const chunk of stream ?? []) {
      parser.feed(utf8.decode(chunk, { stream: true }));
      yield* complete.splice(0);
    }
  } catch {
    // It is taken up again.
  }
}
