import { type Context, context, within } from "./context.js";

type Waiting<I, O> = {
  item: I;
  from: Context | undefined;
  done: (outcome: O) => void;
  failed: (error: unknown) => void;
};

/** A batch that takes so long is not waited for any more: it may be a connection to a database that is not there. */
const patience = 3_000;

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

  function drain(): void {
    while (waiting.length > 0 && busy < lanes) {
      const batch = waiting.splice(0, most);
      busy++;
      let isIn = true;
      const leave = () => {
        if (isIn) busy--;
        isIn = false;
        drain();
      };
      const slow = setTimeout(leave, patience);
      void within(batch.length === 1 ? batch[0]?.from : undefined, () => serve(batch)).then(() => {
        clearTimeout(slow);
        leave();
      });
    }
  }

  return (item) =>
    new Promise((done, failed) => {
      waiting.push({ item, from: context(), done, failed });
      // What has come in with the same turn of the event loop goes together.
      setImmediate(drain);
    });
}
