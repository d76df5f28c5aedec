import { execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { Topic } from "../contracts/events.js";
import { builtExample } from "../tools/example.js";
import { aloud } from "../tools/say.js";
import { brokerIsOurs, kafkaBrokers } from "./support/broker.js";
import { settings } from "./support/settings.js";
import {
  atOnce,
  config,
  eventually,
  must,
  newProduct,
  orderOf,
  place,
  placedAtLast,
  processes,
  reaches,
  signedIn,
  statementOf,
} from "./support/system.js";

// What Kafka promises beside what every broker must: the same key, the same partition, in order. And programs of others,
// in Go and without Dapr (examples/kafka-go).

type Heard = {
  topic: Topic;
  partition: number;
  offset: number;
  key: string;
  /** Other tests say what is no event, too. */
  event: { id?: string; data?: { order_id?: string; attempt?: number; amount?: string } };
};

const [ada, { id: goods }, program] = await Promise.all([
  signedIn("ada"),
  newProduct(10_000),
  builtExample("kafka-go", aloud),
]);
const adaId = (await must(ada.me())).id;
const enough = { timeout: 300_000 };

/** Listens to topics as somebody else, from their beginning. */
function listener(...topics: Topic[]) {
  const group = `accounting-${crypto.randomUUID()}`;
  const child = spawn(program, ["listen", "-brokers", kafkaBrokers, "-group", group, ...topics], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const heard: Heard[] = [];
  createInterface(child.stdout).on("line", (line) => heard.push(JSON.parse(line) as Heard));
  return {
    heard,
    of: (id: string) => heard.filter(({ event }) => event.data?.order_id === id),
    stop: () => void child.kill(),
  };
}

const handOver = async (...args: string[]) => {
  const about = ["-brokers", kafkaBrokers, "-user", adaId, "-product", goods, "-price", "22.00", "-method", "card_ok"];
  return (await promisify(execFile)(program, ["order", ...about, ...args])).stdout.trim();
};

const several: Topic[] = ["payments.requested", "payments.failed", "orders.payment_failed"];
const once: Topic[] = [
  "orders.created",
  "payments.succeeded",
  "orders.paid",
  "inventory.reserved",
  "orders.processing",
];
let all: ReturnType<typeof listener>;
beforeAll(async () => {
  all = listener(...once, ...several);
  // Nobody's time is over while he tries one card after the other; services look every other second.
  await config("set", "payment_window_seconds", "600");
  await sleep(3_000);
});
afterAll(async () => {
  all.stop();
  await config("set", "payment_window_seconds", settings.payment_window_seconds);
});

test("an order from another system is walked to its end, and another system hears of its money, once each", async () => {
  const accounting = listener("orders.paid");
  onTestFinished(accounting.stop);
  const id = await handOver();
  expect((await reaches(ada, id, "processing")).status).toBe("processing");
  await handOver("-id", id);
  await handOver("-id", id);
  const [paid] = await eventually(
    async () => accounting.of(id),
    ({ length }) => length > 0,
  );
  expect(paid).toMatchObject({ topic: "orders.paid", key: id, event: { data: { amount: "22.00" } } });
  await sleep(1_000);
  expect(new Set(accounting.of(id).map(({ event }) => event.id)).size).toBe(1);
  expect(await statementOf(id)).toMatchObject({ net: 2_200, charges: [{ status: "succeeded" }] });
});

/** Refused twice, then paid. */
async function paidAtLast(): Promise<string> {
  const { body } = await place(ada, goods, 1, "card_declined");
  for (const payment_method of ["card_insufficient_funds", "card_ok"] as const) {
    await reaches(ada, body.id, "payment_failed", 60);
    await must(ada.payOrder({ params: { id: body.id }, body: { payment_method } }));
    await eventually(
      () => orderOf(ada, body.id),
      ({ payment }) => payment.status !== "pending",
      60,
    );
  }
  return body.id;
}

test(
  "what is said of an order on a topic is in one partition, keyed by it, and in order, also when apps are killed meanwhile",
  enough,
  async () => {
    const work = Promise.all([
      atOnce(Array.from({ length: 200 }), 24, () => placedAtLast(ada, goods)),
      atOnce(Array.from({ length: 24 }), 8, paidAtLast),
    ]);
    await sleep(2_000);
    await processes.kill("payment");
    const [plain, stubborn] = await work;
    for (const id of [...plain, ...stubborn])
      expect((await reaches(ada, id, "processing", 60)).status).toBe("processing");
    const ids = new Set([...plain, ...stubborn]);
    await eventually(
      async () => all.heard.filter(({ topic, key }) => topic === "orders.processing" && ids.has(key)),
      (heard) => new Set(heard.map(({ key }) => key)).size === ids.size,
    );

    const partitions = new Map<string, Set<number>>();
    for (const { topic, key, partition, event } of [...ids].flatMap(all.of)) {
      expect([topic, key]).toEqual([topic, event.data?.order_id]);
      const its = partitions.get(`${topic} ${key}`) ?? new Set();
      partitions.set(`${topic} ${key}`, its.add(partition));
    }
    for (const [about, its] of partitions) expect([about, its.size]).toEqual([about, 1]);
    expect(new Set([...partitions.values()].flatMap((its) => [...its])).size).toBeGreaterThan(1);

    // What was said again after a crash is no news: the first time counts.
    const attempts = (topic: Topic, id: string) => {
      const said = all.of(id).filter((heard) => heard.topic === topic);
      return [...new Set(said.sort((a, b) => a.offset - b.offset).map(({ event }) => event.data?.attempt))];
    };
    for (const id of stubborn) {
      expect([id, attempts("payments.requested", id)]).toEqual([id, [2, 3]]);
      expect([id, attempts("payments.failed", id)]).toEqual([id, [1, 2]]);
    }
  },
);

/** Orders that are under way while something happens to the system, and come to their end. */
async function survives(count: number, what: () => Promise<unknown>, seconds = 120): Promise<void> {
  const placing = atOnce(Array.from({ length: count }), 8, () => placedAtLast(ada, goods));
  await sleep(200);
  await what();
  for (const id of await placing) {
    expect((await reaches(ada, id, "processing", seconds)).status).toBe("processing");
    expect((await statementOf(id)).charges.filter(({ status }) => status === "succeeded")).toHaveLength(1);
  }
}

test.runIf(brokerIsOurs)("Kafka is killed under way: every order comes to its end, and is charged once", enough, () =>
  survives(30, () => processes.kill("kafka")),
);

test("sidecars are killed under way: their partitions are taken up again", enough, () =>
  survives(30, () => Promise.all(["order-daprd", "payment-daprd", "inventory-daprd"].map(processes.kill))),
);

test("an app that was away for long hears of all its topics again", enough, async () => {
  for (let round = 0; round < 2; round++)
    await survives(20, async () => {
      await processes.stop("inventory");
      await sleep(8_000);
      await processes.start("inventory");
    });
});
