import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { providerApp } from "./app.js";
import { Entry, emptyBook, enter } from "./book.js";
import { type Journal, openJournal } from "./journal.js";

const TIMEOUT_MS = 150;
const euros = { amount: 2500, currency: "EUR", payment_method: "card_ok", reference: "order-1" };

let file: string;
let journal: Journal<Entry>;
let server: Server;

beforeEach(async () => {
  file = join(await mkdtemp(join(tmpdir(), "provider-")), "ledger.jsonl");
  await start();
});
afterEach(async () => {
  await stop();
  await rm(dirname(file), { recursive: true });
});

async function start() {
  const book = emptyBook();
  journal = await openJournal<Entry>(file, (line) => enter(book, Entry.parse(line)));
  const app = providerApp({ book, journal, timeoutMs: TIMEOUT_MS, log: pino({ level: "silent" }) });
  server = await new Promise((listening) => {
    const started = app.listen(0, "127.0.0.1", () => listening(started));
  });
}

async function stop() {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  await journal.close();
}

async function call(path: string, key?: string, body?: unknown) {
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: body ? "POST" : "GET",
    headers: { "content-type": "application/json", ...(key && { "idempotency-key": key }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: the tests compare whole answers
  return { status: response.status, body: (await response.json()) as any };
}

const charge = (key: string, change: object = {}) => call("/charges", key, { ...euros, ...change });
const refund = (key: string, charge_id: string, amount = 2500) =>
  call("/refunds", key, { charge_id, amount, currency: "EUR" });
const ask = (key: string) => call(`/charges/${encodeURIComponent(key)}`);
const entries = async () => (await readFile(file, "utf8")).split("\n").filter(Boolean).length;

describe("the ledger", () => {
  test("is the same after a restart", async () => {
    const paid = await charge("order-1/1");
    await refund("r1", paid.body.charge_id, 1000);
    const before = await call("/ledger?reference=order-1");

    await stop();
    await start();

    expect(await call("/ledger?reference=order-1")).toEqual(before);
    expect(await charge("order-1/1")).toEqual(paid);
    expect((await call("/ledger")).body).toEqual({
      EUR: { charged: 2500, refunded: 1000, net: 1500, charges: 1, refunds: 1 },
    });
  });

  test("drops a line that a crash cut, and goes on behind the last whole one", async () => {
    await charge("order-1/1");
    await stop();
    await appendFile(file, '{"type":"charge","key":"order-2/1","amou');
    await start();

    expect((await ask("order-2/1")).status).toBe(404);
    await charge("order-3/1");
    await stop();
    await start();

    expect((await ask("order-1/1")).status).toBe(200);
    expect((await ask("order-3/1")).status).toBe(200);
    expect(await entries()).toBe(2);
  });

  test("holds a charge before it is answered", async () => {
    for (let i = 1; i <= 5; i += 1) {
      await charge(`order-${i}/1`);
      expect(await entries()).toBe(i);
    }
  });

  test("counts only money that moved, and only the order asked for", async () => {
    await charge("order-1/1", { payment_method: "card_declined" });
    const paid = await charge("order-1/2");
    await charge("order-2/1", { reference: "order-2" });
    await refund("r1", paid.body.charge_id);

    const { charges, refunds, net } = (await call("/ledger?reference=order-1")).body;

    expect(charges).toMatchObject([
      { key: "order-1/1", status: "declined", code: "card_declined" },
      { key: "order-1/2", status: "succeeded", amount: 2500, payment_method: "card_ok" },
    ]);
    expect(refunds).toMatchObject([{ key: "r1", status: "succeeded", amount: 2500 }]);
    expect(net).toBe(0);
    expect((await call("/ledger?reference=nobody")).body).toEqual({ charges: [], refunds: [], net: 0 });
    expect((await call("/statements")).body).toMatchObject([
      { reference: "order-1", charges, refunds, net: 0 },
      { reference: "order-2", charges: [{ status: "succeeded" }], refunds: [], net: 2500 },
    ]);
  });
});

describe("a key", () => {
  test("asked for twenty times at once charges once", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => charge("order-1/1")));

    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await entries()).toBe(1);
    expect((await call("/ledger")).body.EUR.charged).toBe(2500);
  });

  test("cannot pay for something else", async () => {
    await charge("order-1/1");

    expect((await charge("order-1/1", { amount: 2501 })).status).toBe(409);
    expect((await charge("order-1/1", { payment_method: "card_declined" })).status).toBe(409);
    expect((await charge("order-1/1", { reference: undefined })).status).toBe(409);
  });

  test("that was never charged is unknown", async () => {
    expect((await ask("order-1/1")).status).toBe(404);
  });

  test("may be asked for with its slash escaped or not", async () => {
    const paid = await charge("order-1/1");

    expect(await ask("order-1/1")).toEqual(paid);
    expect(await call("/charges/order-1/1")).toEqual(paid);
  });
});

describe("payment methods", () => {
  test("card_ok succeeds", async () => {
    expect(await charge("k")).toEqual({
      status: 200,
      body: { charge_id: expect.any(String), status: "succeeded", amount: 2500, currency: "EUR" },
    });
  });

  test.each([
    ["card_declined", "card_declined"],
    ["card_insufficient_funds", "insufficient_funds"],
  ])("%s is declined with %s", async (payment_method, code) => {
    const { status, body } = await charge("k", { payment_method });

    expect(status).toBe(200);
    expect(body).toMatchObject({ status: "declined", code });
    expect((await refund("r", body.charge_id)).status).toBe(422);
  });

  test("card_timeout_then_ok charges at once and tells late", async () => {
    const began = Date.now();
    const first = charge("k", { payment_method: "card_timeout_then_ok" });
    await expect.poll(entries).toBe(1);
    expect(await ask("k")).toEqual({ status: 202, body: { status: "pending" } });

    const repeated = await charge("k", { payment_method: "card_timeout_then_ok" });

    expect(Date.now() - began).toBeGreaterThanOrEqual(TIMEOUT_MS - 5);
    expect(repeated.body.status).toBe("succeeded");
    expect(await first).toEqual(repeated);
    expect(await ask("k")).toEqual(repeated);
    expect(await entries()).toBe(1);
  });

  test("card_flaky fails twice per key and leaves no trace, then succeeds", async () => {
    const payment_method = "card_flaky";
    expect((await charge("k", { payment_method })).status).toBe(503);
    expect((await charge("k", { payment_method })).status).toBe(503);
    expect((await ask("k")).status).toBe(404);
    expect(await entries()).toBe(0);

    expect((await charge("k", { payment_method })).body.status).toBe("succeeded");
    expect((await charge("other", { payment_method })).status).toBe(503);
  });

  test("card_refund_fails_once refuses the first refund, also after a restart, and does the second", async () => {
    const paid = await charge("k", { payment_method: "card_refund_fails_once" });
    const failed = await refund("r", paid.body.charge_id);
    expect(failed).toMatchObject({ status: 200, body: { status: "failed", code: "refund_rejected" } });
    await stop();
    await start();

    const done = await refund("r", paid.body.charge_id);

    expect(done).toMatchObject({ status: 200, body: { status: "succeeded", refund_id: failed.body.refund_id } });
    expect(await refund("r", paid.body.charge_id)).toEqual(done);
    expect((await call("/ledger")).body.EUR).toMatchObject({ net: 0, refunds: 1 });
  });

  test("an unknown one is refused", async () => {
    expect((await charge("k", { payment_method: "card_gold" })).status).toBe(422);
  });
});

describe("a refund", () => {
  test("asked for twenty times at once is paid once", async () => {
    const { body } = await charge("k");
    const answers = await Promise.all(Array.from({ length: 20 }, () => refund("r", body.charge_id)));

    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect((await call("/ledger")).body.EUR).toMatchObject({ refunded: 2500, net: 0, refunds: 1 });
  });

  test("never gives back more than was charged, even all at once", async () => {
    const { body } = await charge("k");
    const answers = await Promise.all(["r1", "r2", "r3"].map((key) => refund(key, body.charge_id, 1000)));

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 422]);
    expect((await call("/ledger")).body.EUR.net).toBe(500);
  });

  test("needs a charge, the same currency and a key of its own", async () => {
    const { body } = await charge("k");
    await refund("r", body.charge_id, 1);

    expect((await refund("r", body.charge_id, 2)).status).toBe(409);
    expect((await refund("r2", "00000000-0000-4000-8000-000000000000")).status).toBe(404);
    expect((await call("/refunds", "r3", { charge_id: body.charge_id, amount: 1, currency: "USD" })).status).toBe(422);
  });
});

describe("a bad request", () => {
  test("is refused and recorded nowhere", async () => {
    expect((await charge("")).status).toBe(400);
    expect((await charge("k", { amount: 1.5 })).status).toBe(422);
    expect((await charge("k", { amount: -1 })).status).toBe(422);
    expect((await charge("k", { colour: "red" })).status).toBe(422);
    expect((await call("/charges/%E0%A4%A")).status).toBe(400);
    expect((await call("/nowhere")).status).toBe(404);
    expect(await entries()).toBe(0);
  });
});

test("lists what was taken since a time and is still here, page by page", async () => {
  const early = await charge("order-1/1");
  await new Promise((resume) => setTimeout(resume, 20));
  const since = new Date().toISOString();
  await charge("order-2/1", { reference: "order-2", payment_method: "card_declined" });
  const back = await charge("order-3/1", { reference: "order-3" });
  await refund("r1", back.body.charge_id);
  for (let n = 0; n < 100; n++) await charge(`order-4/${n}`, { reference: "order-4" });

  const first = (await call(`/charges?since=${since}`)).body;
  const second = (await call(`/charges?since=${since}&from=${first.next}`)).body;
  const all = [...first.charges, ...second.charges];

  expect(all.map(({ reference }: { reference: string }) => reference)).toEqual(Array(100).fill("order-4"));
  expect([first.next, second.next]).toEqual([100, null]);
  expect((await call("/charges?since=")).body.charges[0].charge_id).toBe(early.body.charge_id);
});
