import { expect, test } from "vitest";
import type { Answer, Dapr } from "./dapr.js";
import { stateStore } from "./state.js";

type Commit = { metadata: { params: string } };

/** The keys of a commit, which travel as one parameter of a statement. */
const keysOf = (body: unknown): string[] =>
  JSON.parse(JSON.parse((body as Commit).metadata.params)[0]).map(({ key }: { key: string }) => key);

/** A sidecar that holds back its answers; it refuses commits with a key of that name, or loses their answer. */
function sidecar(there: Record<string, object> = {}) {
  const asked: string[] = [];
  const going: (() => void)[] = [];
  const answer = (status: number, text = "", etag?: string): Answer => ({ status, text, etag });
  const call = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const isCommit = path.endsWith("/bindings/s-sql");
    const keys = isCommit
      ? keysOf(body)
      : ((body as { keys?: string[] })?.keys ?? [decodeURIComponent(path.split("/").at(-1) as string)]);
    asked.push(`${method} ${keys}`);
    await new Promise<void>((go) => going.push(go));
    if (keys.includes("lost")) throw new Error("no answer");
    if (isCommit) return answer(keys.includes("refused") ? 500 : 204);
    if (!path.endsWith("/bulk")) {
      const [key] = keys as [string];
      return there[key] ? answer(200, JSON.stringify(there[key]), '"1"') : answer(204);
    }
    const found = keys.map((key) => (there[key] ? { key, data: there[key], etag: "1" } : { key }));
    return answer(200, JSON.stringify(found));
  };
  const rounds = async (count: number) => {
    for (let n = 0; n < count; n++) {
      await new Promise(setImmediate);
      for (const go of going.splice(0)) go();
    }
    await new Promise(setImmediate);
  };
  return {
    asked,
    rounds,
    store: stateStore(
      {
        call,
        must: (_: string, ...rest: never[]) => call(...(rest as unknown as [string, string])),
      } as unknown as Dapr,
      "s",
    ),
  };
}
const row = (key: string) => [{ key, value: {}, insert: true }];

test("transactions that wait are committed together, rows always in the same order", async () => {
  const { store, asked, rounds } = sidecar();
  const done = Promise.all(["b", "d", "c", "a"].map((key) => store.transact(row(key))));
  await rounds(1);
  expect(await done).toEqual([true, true, true, true]);
  expect(asked).toEqual(["POST a,b,c,d"]);
});

test("one that is refused takes nobody with it", async () => {
  const { store, asked, rounds } = sidecar();
  const done = Promise.all(["a", "b", "refused"].map((key) => store.transact(row(key))));
  await rounds(3);
  expect(await done).toEqual([true, true, false]);
  expect(asked).toEqual(["POST a,b,refused", "POST a", "POST b", "POST refused"]);
});

test("where the answer is lost nothing is tried again: it may be committed", async () => {
  const { store, asked, rounds } = sidecar();
  const done = Promise.all(["a", "lost"].map((key) => store.transact(row(key))));
  await rounds(3);
  expect(await done).toEqual([false, false]);
  expect(asked).toEqual(["POST a,lost"]);
});

test("what is read at the same time is read at once, and what seems absent once more by itself", async () => {
  const { store, asked, rounds } = sidecar({ a: { n: 1 }, b: { n: 2 } });
  const done = Promise.all(["a", "b", "a", "b", "nothing"].map((key) => store.get<{ n: number }>(key)));
  await rounds(4);
  expect((await done).map(({ value }) => value?.n)).toEqual([1, 2, 1, 2, undefined]);
  expect(asked).toEqual(["POST a,b,nothing", "GET nothing"]);
});
