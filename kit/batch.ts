import { type Context, context, within } from "./context.js";

type Waiting<I, O> = {
  item: I;
  from: Context | undefined;
  done: (outcome: O) => void;
  failed: (error: unknown) => void;
};

/**
 * Does together what many ask for at the same time: while `lanes` batches are under way the next one gathers. Who comes
 * alone is served at once, and the more there is to do the fewer round trips each costs. `run` answers in the order it
 * was asked; when it throws, everybody in that batch is told so. A batch of several belongs to nobody's trace.
 */
export function batched<I, O>(
  { most, lanes }: { most: number; lanes: number },
  run: (items: I[]) => Promise<O[]>,
): (item: I) => Promise<O> {
  const waiting: Waiting<I, O>[] = [];
  let busy = 0;

  async function serve(batch: Waiting<I, O>[]): Promise<void> {
    try {
      const outcomes = await run(batch.map(({ item }) => item));
      batch.forEach(({ done }, n) => {
        done(outcomes[n] as O);
      });
    } catch (error) {
      for (const { failed } of batch) failed(error);
    }
  }

  async function drain(): Promise<void> {
    if (busy === lanes) return;
    busy++;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, most);
      await within(batch.length === 1 ? batch[0]?.from : undefined, () => serve(batch));
    }
    busy--;
  }

  return (item) =>
    new Promise((done, failed) => {
      waiting.push({ item, from: context(), done, failed });
      // What has come in with the same turn of the event loop goes together.
      setImmediate(() => void drain());
    });
}
