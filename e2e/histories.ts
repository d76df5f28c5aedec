import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import type { PaymentMethod } from "../contracts/payment.js";
import type { Turn } from "../kit/history.js";
import { replay } from "../kit/replay.js";
import { sagaName } from "../services/order/saga.js";
import { sagas } from "../services/order/sagas.js";
import {
  eventually,
  must,
  newProduct,
  orderOf,
  place,
  processes,
  reaches,
  sagaHistory,
  signedIn,
  sql,
} from "./support/system.js";

const ada = await signedIn("ada");
const staff = await signedIn("staff");
const { id: product } = await newProduct();

const placed = async (method?: PaymentMethod) => (await place(ada, product, 1, method)).body.id;
const deliver = async (id: string) => {
  await reaches(ada, id, "processing", 60);
  await must(staff.setStatus({ params: { id }, body: { status: "delivered" } }));
};
const cancel = (id: string) => must(ada.cancelOrder({ params: { id }, body: {} }));

/** What happens to an order, told by the name its history is kept under. */
const stories: Record<string, () => Promise<string>> = {
  async straight() {
    const id = await placed("card_ok");
    await deliver(id);
    return id;
  },
  async "paid-at-second-try"() {
    const id = await placed("card_declined");
    await reaches(ada, id, "payment_failed");
    await must(ada.payOrder({ params: { id }, body: { payment_method: "card_ok" } }));
    await deliver(id);
    return id;
  },
  async "cancelled-and-refunded"() {
    const id = await placed("card_refund_fails_once");
    await reaches(ada, id, "processing");
    await cancel(id);
    return id;
  },
  expired: () => placed(),
  /** Its row is out of sight for a while, so the saga's step fails and is tried again. */
  async "a-step-that-fails"() {
    await processes.stop("payment");
    const id = await placed("card_ok");
    const move = (from: string, to: string) =>
      sql("order", "exec", `UPDATE state SET key = '${to}:${id}' WHERE key = '${from}:${id}'`);
    await sleep(1_000);
    await move("order", "hidden");
    await sleep(6_000);
    await move("hidden", "order");
    await processes.start("payment");
    await deliver(id);
    return id;
  },
  /** The provider is silent until after the end of the payment window: asked again and again, and not expired. */
  async "silent-provider"() {
    await processes.pause("provider");
    const id = await placed("card_ok");
    await sleep(25_000);
    await processes.resume("provider");
    await deliver(id);
    return id;
  },
};

/** No more of whose order it was than the saga needs. */
const anonymous = (id: string, history: Turn[]): Turn[] =>
  JSON.parse(JSON.stringify(history).replaceAll(id, "00000000-0000-4000-8000-000000000001"));

test.each(Object.entries(stories))("%s: the saga does again what it did", { timeout: 120_000 }, async (name, play) => {
  const id = await play();
  const ended = await eventually(
    () => sagaHistory(id),
    (turns) => turns.some(({ did }) => did.some((one) => "ended" in one)),
    60,
  );
  expect((await orderOf(ada, id)).status).toMatch(/delivered|cancelled/);
  expect(ended.at(-1)?.did).toEqual([{ ended: "COMPLETED" }]);
  expect(await replay(sagas, ended)).toEqual(ended.map(({ did }) => did));
  if (process.env.RECORD === "true") {
    const file = join("services/order/histories", `${sagaName.replace("order-saga-", "")}-${name}.json`);
    const turns = anonymous(id, ended).map((turn) => JSON.stringify(turn));
    writeFileSync(file, `[\n${turns.join(",\n")}\n]\n`);
    console.log(`recorded ${file}`);
  }
});
