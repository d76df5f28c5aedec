import type { WorkflowContext } from "@dapr/dapr";
import { describe, expect, test } from "vitest";
import type { Progress } from "./order.js";
import { orderSaga, type SagaInput } from "./saga.js";

/** Plays the real saga against a clock of its own: hints come at their second, steps answer at once. */
async function play(
  hints: [second: number, hint: Progress][],
  step: (name: string, second: number) => Progress | "fails",
  known?: Pick<SagaInput, "known" | "known_at">,
) {
  type Task = {
    due: number;
    value?: unknown;
    isComplete: boolean;
    isFailed: boolean;
    getResult: () => unknown;
    tasks?: Task[];
  };
  let second = 0;
  const calls: string[] = [];
  const timers: Task[] = [];
  const coming = [...hints];
  const task = (due: number, value?: unknown, isFailed = false): Task => {
    const made: Task = { due, value, isComplete: false, isFailed, getResult: () => made.value };
    return made;
  };
  const context = {
    getCurrentUtcDateTime: () => new Date(second * 1000),
    createTimer: (at: Date | number) => {
      const timer = task(at instanceof Date ? at.getTime() / 1000 : second + at);
      timers.push(timer);
      return timer;
    },
    callActivity: (name: string) => {
      calls.push(`${name}@${second}`);
      const result = step(name, second);
      return task(second, result, result === "fails");
    },
    waitForExternalEvent: () => {
      const next = coming.shift();
      return next ? task(Math.max(next[0], second), next[1]) : task(Number.POSITIVE_INFINITY);
    },
    whenAny: (tasks: Task[]) => ({ ...task(0), tasks }),
  };
  const saga = orderSaga(context as unknown as WorkflowContext, {
    order_id: "o",
    pay_by: new Date(100_000).toISOString(),
    repeat_seconds: 15,
    ...known,
  });
  for (let turn = await saga.next(); !turn.done; turn = await saga.next()) {
    const yielded = turn.value as unknown as Task;
    const [first] = [...(yielded.tasks ?? [yielded])].sort((a, b) => a.due - b.due);
    if (!first || first.due === Number.POSITIVE_INFINITY) return { calls, timers: timers.length, ended: "asleep" };
    second = Math.max(second, first.due);
    first.isComplete = true;
  }
  return { calls, timers: timers.length, ended: second };
}

const paying: Progress = { version: 0, phase: "paying", waiting: true };
const idle: Progress = { version: 0, phase: "paying", waiting: false };
const delivering: Progress = { version: 0, phase: "delivering", waiting: false };
const givingBack: Progress = { version: 0, phase: "giving_back", waiting: true };
const ended: Progress = { version: 0, phase: "ended", waiting: false };
/** Before the saga begins. */
const ago = (seconds: number) => new Date(-seconds * 1000).toISOString();
const never = () => {
  throw new Error("no step was due");
};

describe("the straight path", () => {
  test("costs neither timer nor step when the saga begins where the order rests", async () => {
    const begun = await play([[9000, ended]], never, { known: delivering, known_at: ago(1) });
    expect(begun).toEqual({ calls: [], timers: 0, ended: 9000 });
  });

  test("of an order of which nothing was heard it asks at once, and then goes on as ever", async () => {
    const { calls } = await play([[80, delivering]], () => paying, { known: paying, known_at: ago(15) });
    expect(calls).toEqual(["askAgain@0", "askAgain@15", "askAgain@45"]);
  });

  test("what comes late is asked for: a saga that begins anew after its order has ended ends again", async () => {
    const { calls, ended: end } = await play([], () => ended, { known: delivering, known_at: ago(2) });
    expect([calls, end]).toEqual([["askAgain@0"], 0]);
  });

  test("costs one timer and no step for a saga that began with the order", async () => {
    expect(
      await play(
        [
          [1, delivering],
          [9000, ended],
        ],
        never,
      ),
    ).toEqual({ calls: [], timers: 1, ended: 9000 });
  });
});

describe("while money or goods are awaited", () => {
  test("it asks again, each time after twice the time", async () => {
    const { calls } = await play([[80, delivering]], () => paying);
    expect(calls).toEqual(["askAgain@15", "askAgain@45"]);
  });

  test("where no answer is outstanding it sleeps until the window ends, and expires the order", async () => {
    const { calls, ended: end } = await play([[0, idle]], (name) => (name === "expire" ? ended : idle));
    expect([calls, end]).toEqual([["expire@100"], 100]);
  });

  test("a refused expire means: go on, and ask again", async () => {
    const { calls } = await play([[210, delivering]], () => paying);
    const after = [
      "expire@100",
      "askAgain@115",
      "expire@115",
      "askAgain@145",
      "expire@145",
      "askAgain@205",
      "expire@205",
    ];
    expect(calls).toEqual(["askAgain@15", "askAgain@45", ...after]);
  });

  test("a failed step is tried again until it succeeds", async () => {
    let failures = 2;
    const { calls } = await play([[90, ended]], () => (failures-- > 0 ? "fails" : paying));
    expect(calls.slice(0, 3)).toEqual(["askAgain@15", "askAgain@17", "askAgain@21"]);
  });
});

describe("after a cancel", () => {
  test("it says so again until stock and money are back", async () => {
    const { calls, ended: end } = await play(
      [
        [5, givingBack],
        [90, ended],
      ],
      () => givingBack,
    );
    expect([calls, end]).toEqual([["askAgain@20", "askAgain@50"], 90]);
  });

  test("also when the goods were already being packed", async () => {
    const { calls } = await play(
      [
        [1, delivering],
        [50, givingBack],
        [55, ended],
      ],
      never,
    );
    expect(calls).toEqual([]);
  });
});

test("a hint that a later one has overtaken changes nothing", async () => {
  const { calls } = await play(
    [
      [1, { ...delivering, version: 4 }],
      [2, { ...paying, version: 2 }],
      [10, { ...givingBack, version: 5 }],
      [20, { ...delivering, version: 4 }],
      [60, { ...ended, version: 6 }],
    ],
    () => ({ ...givingBack, version: 5 }),
  );
  expect(calls).toEqual(["askAgain@35"]);
});

test("while goods are on their way, money that did not count is asked back until it is", async () => {
  const { calls } = await play(
    [
      [1, { ...delivering, waiting: true }],
      [50, ended],
    ],
    () => ({ ...delivering, waiting: true }),
  );
  expect(calls).toEqual(["askAgain@16", "askAgain@46"]);
});

test("while people ship and deliver it sleeps without a timer", async () => {
  expect(await play([[1, delivering]], never)).toEqual({ calls: [], timers: 1, ended: "asleep" });
});
