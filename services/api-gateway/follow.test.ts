import { PassThrough, type Readable } from "node:stream";
import { beforeEach, expect, test } from "vitest";
import { Problem, Unavailable } from "../../kit/problem.js";
import { follow as followAt } from "./follow.js";

/** Stands for what opens the stream of an order. */
let answer: () => Readable | Promise<Readable>;
let asked: number[] = [];
const follow = (after: number, signal: AbortSignal) =>
  followAt(
    async (last) => {
      asked.push(last);
      return answer();
    },
    after,
    signal,
  );

const entry = (seq: number) => ({
  ...{ seq, at: "2026-01-01T00:00:00Z", kind: "status", name: "ä", status: "paid", actor: "a", trace_id: null },
});
const event = (seq: number) => `id: ${seq}\ndata: ${JSON.stringify(entry(seq))}\n\n`;
/** A stream that has said this and stays open. */
function saying(text: string): PassThrough {
  const stream = new PassThrough();
  stream.write(text);
  return stream;
}
const refusing = (status: number) => async () => {
  throw new Problem(status, `says ${status}`);
};
const never = new AbortController().signal;

async function take(entries: AsyncGenerator<{ seq: number }>, count: number): Promise<number[]> {
  const taken: number[] = [];
  for await (const { seq } of entries) {
    taken.push(seq);
    if (taken.length === count) break;
  }
  return taken;
}

beforeEach(() => {
  asked = [];
});

test("entries come as they are written, however they are cut", async () => {
  const stream = new PassThrough();
  answer = () => stream;
  const bytes = Buffer.from(`: hello\n\n${event(4)}${event(5)}`);
  void (async () => {
    for (let at = 0; at < bytes.length; at += 7) {
      stream.write(bytes.subarray(at, at + 7));
      await new Promise((resume) => setImmediate(resume));
    }
  })();
  const entries = await follow(3, never);
  expect((await entries.next()).value).toEqual(entry(4));
  expect((await entries.next()).value).toEqual(entry(5));
  await entries.return(undefined);
  expect(asked).toEqual([3]);
  expect(stream.destroyed).toBe(true);
});

test("a stream that ends or breaks is taken up after its last entry, also while the service is away", async () => {
  const answers: (() => Readable | Promise<Readable>)[] = [
    () => saying(event(1) + event(2)).end(),
    refusing(503),
    () => {
      const stream = saying(event(3));
      setTimeout(() => stream.destroy(new Error("broken")), 20);
      return stream;
    },
    () => saying(event(4)),
  ];
  answer = () => (answers.shift() as () => Readable)();
  expect(await take(await follow(0, never), 4)).toEqual([1, 2, 3, 4]);
  expect(asked).toEqual([0, 2, 2, 3]);
}, 10_000);

test("a refusal is the answer, at once and later", async () => {
  answer = refusing(404);
  await expect(follow(0, never)).rejects.toEqual(new Problem(404, "says 404"));
  answer = async () => {
    throw new Unavailable("a free stream");
  };
  await expect(follow(0, never)).rejects.toBeInstanceOf(Unavailable);

  answer = () => saying(event(1)).end();
  const entries = await follow(0, never);
  await entries.next();
  answer = refusing(401);
  await expect(entries.next()).rejects.toEqual(new Problem(401, "says 401"));
});

test("when the client leaves, the stream ends", async () => {
  const stream = saying(event(1));
  answer = () => stream;
  const leave = new AbortController();
  const entries = await follow(0, leave.signal);
  await entries.next();
  const next = entries.next();
  leave.abort();
  expect((await next).done).toBe(true);
  await expect.poll(() => stream.destroyed).toBe(true);
  expect(asked).toHaveLength(1);
});
