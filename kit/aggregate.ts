import type { Write } from "./commit.js";
import type { Message, Outbox } from "./outbox.js";
import { type Store, untilStored } from "./state.js";
import { traced } from "./trace.js";

/**
 * An entity that remembers which commands and events it has applied: its own inbox, in its own row. What it says belongs to
 * the trace that it names.
 */
type Aggregate = { applied: string[]; traceparent?: string };

/**
 * What a decision asks for. With `next`: commit it, with history `rows` and `messages` in the same transaction.
 * Without: nothing changes, and `messages` (stored answers said again) are sent before the reply.
 */
type Decided<T extends Aggregate, R> = {
  reply: R;
  next?: T;
  messages?: Message[];
  rows?: Write[];
  /** Called once the commit is known, by the process that made it. */
  stored?: () => void;
};

const remembered = 50;

export type Update = <T extends Aggregate, R>(
  key: string,
  /** The command's or event's id. */
  id: string,
  /** Pure. `seen` is true when this id was applied before. */
  decide: (current: T | undefined, seen: boolean) => Decided<T, R>,
  /** There is probably none of that key yet: the insert finds out, without a read before it. */
  isNew?: boolean,
) => Promise<R>;

const none = { value: undefined, etag: undefined };

/**
 * Load, decide, and commit entity, inbox, history rows and outbox row in one transaction. Whatever goes wrong, it
 * reads again: its own id there means the commit was not lost, only the answer; a new etag means decide again.
 */
export function updater(store: Store, outbox: Outbox): Update {
  return (key, id, decide, isNew = false) => {
    let unsure: (() => void) | undefined;
    type Entity = Exclude<Parameters<typeof decide>[0], undefined>;
    const attempt = async (tries: number) => {
      const { value: current, etag } = isNew && tries === 0 ? none : await store.get<Entity>(key);
      const seen = current?.applied.includes(id) ?? false;
      if (seen) unsure?.();
      const { reply, next, messages = [], rows = [], stored } = decide(current, seen);
      if (!next) {
        if (isNew && tries === 0) return undefined;
        await outbox.say(messages);
        return { reply };
      }
      const { writes, sendNow } = outbox.prepare(messages, next.traceparent);
      const applied = seen ? next.applied : [...next.applied, id].slice(-remembered);
      if (await store.transact([{ key, value: { ...next, applied }, etag, insert: !etag }, ...rows, ...writes])) {
        stored?.();
        sendNow();
        return { reply };
      }
      unsure = () => {
        stored?.();
        sendNow();
      };
      return undefined;
    };
    return traced(`update ${key.split(":")[0]}`, "INTERNAL", () => untilStored(attempt));
  };
}
