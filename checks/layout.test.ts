import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const importsOf = (file: string) =>
  [...readFileSync(file, "utf8").matchAll(/from "([^"]+)"/g)].map((match) => match[1] as string);
const services = readdirSync("services");
const files = services.flatMap((service) =>
  readdirSync(join("services", service))
    .filter((name) => name.endsWith(".ts"))
    .map((name) => [service, name, join("services", service, name)] as const),
);

test.each(files)("services/%s/%s imports contracts, kit and its own service only", (_service, _name, path) => {
  const inside = importsOf(path).filter((from) => from.startsWith("."));
  expect(inside.filter((from) => !/^(\.\/|\.\.\/\.\.\/(contracts|kit)\/)[\w.-]+\.js$/.test(from))).toEqual([]);
});

test.each([
  "order/order.ts",
  "order/place.ts",
  "order/tax.ts",
  "order/reconcile.ts",
  "inventory/stock.ts",
  "payment/payment.ts",
  "product/product.ts",
  "user/user.ts",
  "notification/delivery.ts",
  "notification/message.ts",
  "notification/words.ts",
  "notification/en.ts",
  "notification/de.ts",
])("services/%s decides and does nothing else: no package, no kit", (path) => {
  const others = importsOf(join("services", path)).filter(
    (from) => !/^(\.\.\/\.\.\/contracts\/|\.\/(order|tax|message|words|en|de)\.js$)/.test(from),
  );
  expect(others).toEqual([]);
});

const pages = readdirSync("web").filter((name) => /\.tsx?$/.test(name));

test.each(pages)("web/%s imports types of the contracts and client, and of their code what needs no schema", (name) => {
  const source = readFileSync(join("web", name), "utf8");
  const imports = [...source.matchAll(/^import (type )?[^;]*?from "(\.\.\/[^"]+)"/gm)];
  const allowed = (type: string | undefined, from: string) =>
    type ? /^\.\.\/(contracts|client)\//.test(from) : /^\.\.\/contracts\/(demo|money)\.js$/.test(from);
  expect(imports.filter(([, type, from]) => !allowed(type, from as string)).map(([, , from]) => from)).toEqual([]);
});

test("the Dapr SDK is met in kit and where a saga's context is typed, nowhere else", () => {
  const users = [...files.map(([, , path]) => path), ...readdirSync("kit").map((name) => join("kit", name))];
  const met = users.filter((path) => importsOf(path).some((from) => from.startsWith("@dapr/dapr")));
  expect(met.sort()).toEqual([
    "kit/history.ts",
    "kit/replay.ts",
    "kit/workflow.test.ts",
    "kit/workflow.ts",
    "services/order/saga.test.ts",
    "services/order/saga.ts",
  ]);
});

test("dependencies are what services import, and so what images hold; what tools alone need is for development", () => {
  const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as { dependencies: Record<string, string> };
  const folders = [
    "contracts",
    "kit",
    "client",
    "tools/payment-provider",
    ...services.map((name) => `services/${name}`),
  ];
  const code = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /(?<!\.test)\.ts$/.test(name))
      .map((name) => readFileSync(join(folder, name), "utf8")),
  );
  const used = (name: string) => code.some((text) => text.includes(`"${name}"`) || text.includes(`"${name}/`));
  expect(Object.keys(dependencies).filter((name) => !used(name))).toEqual([]);
});
