import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { PaymentMethod } from "../contracts/payment.js";
import { dir, start, stop } from "./support/own.js";
import { appEnv, settings } from "./support/settings.js";
import {
  atOnce,
  eventually,
  must,
  newProduct,
  place,
  port,
  processes,
  reaches,
  reconcile,
  sagaHistory,
  sidecar,
  signedIn,
} from "./support/system.js";

// Two real builds of the order service: the present one, whose orders are walked by saga v2, and a next one that knows
// v3 too and starts it for new orders; v3 always asks once before it waits. They replace each other under load. What v1
// began goes on in both.

const folder = join(dir, "upgrade");
const next = join(folder, "next");
const current = join(folder, "current");

async function buildNext(): Promise<void> {
  for (const part of ["contracts", "kit", "services/order"])
    cpSync(part, join(next, part), { recursive: true, filter: (path) => !path.endsWith(".test.ts") });
  const order = join(next, "services/order");
  const edit = (from: string, to: string, ...changes: [string, string][]) => {
    let text = readFileSync(join(order, from), "utf8");
    for (const [before, after] of changes) {
      expect(text, `${from} as it is patched`).toContain(before);
      text = text.replaceAll(before, after);
    }
    writeFileSync(join(order, to), text);
  };
  const asksFirst = "  const deadline = new Date(pay_by);\n";
  edit(
    "saga.ts",
    "saga-v3.ts",
    ["order-saga-v2", "order-saga-v3"],
    [asksFirst, `  heard(yield* askAgain());\n${asksFirst}`],
  );
  edit("instances.ts", "instances.ts", ['"./saga.js"', '"./saga-v3.js"']);
  const known = "[sagaName]: orderSaga }";
  edit(
    "sagas.ts",
    "sagas.ts",
    [known, known.replace(" }", ", [v3.sagaName]: v3.orderSaga }")],
    ['from "./saga.js";', 'from "./saga.js";\nimport * as v3 from "./saga-v3.js";'],
  );
  const compilerOptions = { rootDir: ".", outDir: "dist", tsBuildInfoFile: "dist/.tsbuildinfo" };
  const tsconfig = { extends: resolve("tsconfig.json"), compilerOptions, include: ["services"] };
  writeFileSync(join(next, "tsconfig.json"), JSON.stringify(tsconfig));
  writeFileSync(join(next, "package.json"), readFileSync("package.json"));
  await promisify(execFile)(resolve("node_modules/.bin/tsc"), ["-p", next]);
}

/** From now on every process of the order service that starts is of this build; those that run stay what they are. */
function install(build: string): void {
  rmSync(current, { force: true });
  symlinkSync(resolve(build), current);
}

/** dapr.yaml, but for where the order service's program lies. */
function describedFrom(): string {
  const text = readFileSync("dapr.yaml", "utf8")
    .replaceAll("appDirPath: .", `appDirPath: ${resolve(".")}`)
    .replaceAll("./components", resolve("components"))
    .replace("dist/services/order/main.js", join(current, "services/order/main.js"));
  const file = join(folder, "dapr.yaml");
  writeFileSync(file, text);
  return file;
}

const versionOf = async (id: string) => {
  const [first] = await sagaHistory(id);
  return first?.heard.flatMap((one) => ("started" in one ? one.started : [])).join() ?? "not yet";
};
const stateOf = async (id: string): Promise<string> => {
  const answer = await sidecar("order", `/v1.0/workflows/dapr/${id}`);
  return ((await answer.json()) as { runtimeStatus: string }).runtimeStatus;
};
const saga = (id: string) => Promise.all([versionOf(id), stateOf(id)]).then((both) => both.join(" "));
const becomes = (id: string, what: string, seconds = 60) =>
  eventually(
    () => saga(id),
    (now) => now === what,
    seconds,
  );

/** The first replica, by whatever build is installed now. */
async function replace(): Promise<void> {
  await processes.restart("order");
  const ready = () => fetch(`http://127.0.0.1:${port(8082)}/readyz`);
  expect((await eventually(ready, ({ ok }) => ok, 60)).ok).toBe(true);
}

const thrownBack = () =>
  (readFileSync(join(dir, "logs/order.log"), "utf8").match(/does not know the saga/g) ?? []).length;

test("a next build, and back, and again: each order ends by the rules it began with, and none fails", async () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  install("dist");
  const window = { ...settings, payment_window_seconds: "40" };
  await Promise.all([buildNext(), start({ settings: window, appEnv, file: describedFrom() })]);
  const ada = await signedIn("ada");
  const staff = await signedIn("staff");
  const { id: product } = await newProduct();
  const placed = async (method?: PaymentMethod) => (await place(ada, product, 1, method)).body.id;
  const deliver = async (id: string) => {
    await reaches(ada, id, "processing");
    await must(staff.setStatus({ params: { id }, body: { status: "delivered" } }));
  };

  /** As the build before did it: with the order, long before its row in the outbox falls due. */
  const begunByV1 = async () => {
    const { id, pay_by } = (await place(ada, product)).body;
    const input = { order_id: id, pay_by, repeat_seconds: Number(settings.repeat_interval_seconds) };
    expect((await sidecar("order", `/v1.0/workflows/dapr/order-saga-v1/start?instanceID=${id}`, input)).status).toBe(
      202,
    );
    return id;
  };

  // Under way when the next build comes: nobody pays, somebody pays later, packed already, on its way back.
  const old = {
    expires: await placed(),
    paysLater: await placed(),
    packed: await placed("card_ok"),
    back: await placed("card_refund_fails_once"),
  };
  const oldest = { expires: await begunByV1(), paysLater: await begunByV1() };
  await reaches(ada, old.packed, "processing");
  await reaches(ada, old.back, "processing");
  await must(ada.cancelOrder({ params: { id: old.back }, body: {} }));

  // A saga begins some seconds after its order, by whoever looks first.
  for (const id of Object.values(old))
    expect(
      await eventually(
        () => versionOf(id),
        (version) => version === "order-saga-v2",
      ),
    ).toBe("order-saga-v2");

  // One replica after the other: for a while both builds run, and each meets the other's sagas.
  install(join(next, "dist"));
  await processes.scale("order", 2);
  for (const { paysLater } of [old, oldest])
    await must(ada.payOrder({ params: { id: paysLater }, body: { payment_method: "card_ok" } }));
  const between = await atOnce(Array.from({ length: 30 }), 5, () => placed("card_ok"));
  for (const id of between) await reaches(ada, id, "processing");
  expect(
    await eventually(
      async () => thrownBack(),
      (times) => times > 0,
    ),
  ).toBeGreaterThan(0);
  await replace();

  const versions = await Promise.all(
    between.map((id) =>
      eventually(
        () => versionOf(id),
        (v) => v.startsWith("order-saga"),
      ),
    ),
  );
  expect(new Set(versions)).toEqual(new Set(["order-saga-v2", "order-saga-v3"]));

  for (const { paysLater } of [old, oldest]) await deliver(paysLater);
  await deliver(old.packed);
  await atOnce(between, 5, deliver);
  for (const [name, id] of Object.entries(old))
    expect(await becomes(id, "order-saga-v2 COMPLETED"), `${name} ${id}`).toBe("order-saga-v2 COMPLETED");
  for (const [name, id] of Object.entries(oldest))
    expect(await becomes(id, "order-saga-v1 COMPLETED"), `${name} ${id}`).toBe("order-saga-v1 COMPLETED");
  for (const { expires } of [old, oldest])
    expect((await reaches(ada, expires, "cancelled")).cancel_reason).toBe("payment_window_over");
  for (const [n, id] of between.entries())
    expect(await becomes(id, `${versions[n]} COMPLETED`)).toBe(`${versions[n]} COMPLETED`);

  // Back to the first build while orders of v3 are under way: they wait, whatever they are told.
  const young = { expires: await placed(), packed: await placed("card_ok") };
  for (const id of Object.values(young))
    expect(await becomes(id, "order-saga-v3 RUNNING")).toBe("order-saga-v3 RUNNING");
  const steps = (await sagaHistory(young.packed)).flatMap(({ did }) => did);
  expect(steps[0]).toMatchObject({ activity: 1, name: "askAgain" });
  install("dist");
  await processes.scale("order", 1);
  await replace();
  const before = thrownBack();
  await deliver(young.packed);
  const again = await placed("card_ok");
  await deliver(again);
  expect(await becomes(again, "order-saga-v2 COMPLETED")).toBe("order-saga-v2 COMPLETED");
  const held = await eventually(
    async () => thrownBack(),
    (times) => times > before + 2,
  );
  expect(held).toBeGreaterThan(before + 2);
  expect(await saga(young.packed)).toBe("order-saga-v3 RUNNING");

  // And forward again: they go on where they stood.
  install(join(next, "dist"));
  await replace();
  expect(await becomes(young.packed, "order-saga-v3 COMPLETED")).toBe("order-saga-v3 COMPLETED");
  expect((await reaches(ada, young.expires, "cancelled", 60)).cancel_reason).toBe("payment_window_over");
  expect(await becomes(young.expires, "order-saga-v3 COMPLETED")).toBe("order-saga-v3 COMPLETED");

  await sleep(2_000);
  expect((await reconcile()).findings).toEqual([]);
  await stop();
  rmSync(folder, { recursive: true });
});
