import { expect, test } from "vitest";
import type { Answer, Dapr } from "./dapr.js";
import { logger } from "./log.js";
import { type Message, outbox } from "./outbox.js";
import { Unavailable } from "./problem.js";
import type { Sql } from "./sql.js";

type Bulk = { entryId: string; event: { id: string } }[];

/** A broker that holds its answers back, and a table whose rows are removed when they are sent. */
function box(answerTo: (bulk: Bulk) => Partial<Answer> | undefined) {
  const asked: string[][] = [];
  const removed: string[] = [];
  const going: (() => void)[] = [];
  const call = async (_: string, path: string, body: unknown): Promise<Answer> => {
    const bulk = path.includes("/bulk/") ? (body as Bulk) : undefined;
    asked.push(bulk ? bulk.map(({ event }) => event.id) : [(body as { id: string }).id]);
    await new Promise<void>((go) => going.push(go));
    const answer = bulk ? answerTo(bulk) : {};
    if (!answer) throw new Unavailable("the sidecar");
    return { status: 204, text: "", ...answer };
  };
  const dapr = { call, must: (_: string, ...rest: Parameters<typeof call>) => call(...rest) } as unknown as Dapr;
  const sql = { exec: async (_: string, keys: string) => void removed.push(...JSON.parse(keys)) } as unknown as Sql;
  const out = outbox({ dapr, sql, app: "order", log: logger("test", "silent") });
  /** Sends one row for each of these events; gives those whose rows are removed. */
  async function send(...ids: string[]): Promise<string[]> {
    const rows = ids.map((id) => ({ id, ...out.prepare([{ publish: "orders.paid", id, data: {} } as Message]) }));
    for (const { sendNow } of rows) sendNow();
    for (let n = 0; n < 3; n++) {
      await new Promise(setImmediate);
      for (const go of going.splice(0)) go();
    }
    await new Promise(setImmediate);
    await out.stop();
    return rows.filter(({ writes }) => removed.includes(writes[0]?.key as string)).map(({ id }) => id);
  }
  return { send, asked };
}

test("what is published at the same time goes together, and its rows are removed", async () => {
  const { send, asked } = box(() => ({}));
  expect(await send("a", "b", "c", "d")).toEqual(["a", "b", "c", "d"]);
  expect(asked).toEqual([["a", "b", "c", "d"]]);
});

test("what the broker refuses of it is left to the relay, and only that", async () => {
  const refuses = (bulk: Bulk) => bulk.filter(({ event }) => event.id === "d").map(({ entryId }) => ({ entryId }));
  const { send } = box((bulk) => ({ status: 500, text: JSON.stringify({ failedEntries: refuses(bulk) }) }));
  expect(await send("a", "b", "c", "d", "e")).toEqual(["a", "b", "c", "e"]);
});

test.each([
  ["whose answer is lost", undefined],
  ["that is refused as a whole", { status: 403, text: '{"errorCode":"ERR_PUBSUB_FORBIDDEN"}' }],
  [
    "that fails and names nobody",
    { status: 500, text: '{"failedEntries":[],"errorCode":"ERR_PUBSUB_PUBLISH_MESSAGE"}' },
  ],
  ["that is answered with nonsense", { status: 502, text: "<html>" }],
])("of a batch %s nothing counts as sent", async (_, answer) => {
  const { send } = box(() => answer);
  expect(await send("a", "b", "c", "d")).toEqual([]);
});

test("what the relay has begun to send does not hold up what falls due after it", async () => {
  const due = [["slow"], ["quick"]];
  const rowOf = (id: string) => [
    `outbox:${id}`,
    { messages: [{ publish: "orders.paid", id, data: {} }], traceparent: "" },
  ];
  const asked: string[] = [];
  const call = async (_: string, path: string, body: { id: string }): Promise<Answer> => {
    asked.push(body.id);
    if (body.id === "slow") await new Promise(() => undefined);
    return { status: 204, text: path };
  };
  const dapr = { call, must: (_: string, ...rest: Parameters<typeof call>) => call(...rest) } as unknown as Dapr;
  const sql = { query: async () => (due.shift() ?? []).map(rowOf), exec: async () => undefined } as unknown as Sql;
  const out = outbox({ dapr, sql, app: "order", log: logger("test", "silent") });
  out.start();
  await expect.poll(() => asked, { timeout: 3_000 }).toEqual(["slow", "quick"]);
  await out.stop();
});
