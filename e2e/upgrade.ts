import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { PaymentMethod } from "../contracts/payment.js";
import { dir, start, stop } from "./own.js";
import { appEnv, settings } from "./settings.js";
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
} from "./system.js";

// Two real builds of the order service: the present one, whose orders are walked by saga v1, and a next one that knows
// v1 and v2 and starts new orders with v2, which asks once before it waits. They replace each other under load.

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
    "saga-v2.ts",
    ["order-saga-v1", "order-saga-v2"],
    [asksFirst, `  heard(yield* askAgain());\n${asksFirst}`],
  );
  edit("instances.ts", "instances.ts", ['"./saga.js"', '"./saga-v2.js"']);
  const both = "{ [sagaName]: orderSaga, [v2.sagaName]: v2.orderSaga }";
  edit(
    "sagas.ts",
    "sagas.ts",
    ["{ [sagaName]: orderSaga }", both],
    ['from "./saga.js";', 'from "./saga.js";\nimport * as v2 from "./saga-v2.js";'],
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

  // Under way when the next build comes: nobody pays, somebody pays later, packed already, on its way back.
  const old = {
    expires: await placed(),
    paysLater: await placed(),
    packed: await placed("card_ok"),
    back: await placed("card_refund_fails_once"),
  };
  await reaches(ada, old.packed, "processing");
  await reaches(ada, old.back, "processing");
  await must(ada.cancelOrder({ params: { id: old.back }, body: {} }));

  // One replica after the other: for a while both builds run, and each meets the other's sagas.
  install(join(next, "dist"));
  await processes.scale("order", 2);
  await must(ada.payOrder({ params: { id: old.paysLater }, body: { payment_method: "card_ok" } }));
  const between = await atOnce(Array.from({ length: 30 }), 5, () => placed("card_ok"));
  for (const id of between) await reaches(ada, id, "processing");
  expect(thrownBack()).toBeGreaterThan(0);
  await replace();

  const versions = await Promise.all(
    between.map((id) =>
      eventually(
        () => versionOf(id),
        (v) => v.startsWith("order-saga"),
      ),
    ),
  );
  expect(new Set(versions)).toEqual(new Set(["order-saga-v1", "order-saga-v2"]));

  await deliver(old.paysLater);
  await deliver(old.packed);
  await atOnce(between, 5, deliver);
  for (const id of Object.values(old))
    expect(await becomes(id, "order-saga-v1 COMPLETED")).toBe("order-saga-v1 COMPLETED");
  expect((await reaches(ada, old.expires, "cancelled")).cancel_reason).toBe("payment_window_over");
  for (const [n, id] of between.entries())
    expect(await becomes(id, `${versions[n]} COMPLETED`)).toBe(`${versions[n]} COMPLETED`);

  // Back to the first build while orders of v2 are under way: they wait, whatever they are told.
  const young = { expires: await placed(), packed: await placed("card_ok") };
  for (const id of Object.values(young))
    expect(await becomes(id, "order-saga-v2 RUNNING")).toBe("order-saga-v2 RUNNING");
  await reaches(ada, young.packed, "processing");
  const steps = (await sagaHistory(young.expires)).flatMap(({ did }) => did);
  expect(steps[0]).toMatchObject({ activity: 1, name: "askAgain" });
  install("dist");
  await processes.scale("order", 1);
  await replace();
  const before = thrownBack();
  await deliver(young.packed);
  const again = await placed("card_ok");
  await deliver(again);
  expect(await becomes(again, "order-saga-v1 COMPLETED")).toBe("order-saga-v1 COMPLETED");
  const held = await eventually(
    async () => thrownBack(),
    (times) => times > before + 2,
  );
  expect(held).toBeGreaterThan(before + 2);
  expect(await saga(young.packed)).toBe("order-saga-v2 RUNNING");

  // And forward again: they go on where they stood.
  install(join(next, "dist"));
  await replace();
  expect(await becomes(young.packed, "order-saga-v2 COMPLETED")).toBe("order-saga-v2 COMPLETED");
  expect((await reaches(ada, young.expires, "cancelled", 60)).cancel_reason).toBe("payment_window_over");
  expect(await becomes(young.expires, "order-saga-v2 COMPLETED")).toBe("order-saga-v2 COMPLETED");

  await sleep(2_000);
  expect((await reconcile()).findings).toEqual([]);
  await stop();
  rmSync(folder, { recursive: true });
});
