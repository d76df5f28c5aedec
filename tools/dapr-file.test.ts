import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readApps } from "./dapr-file.js";
import { appEnv, sidecarArgs } from "./dapr-flags.js";

let base: string;
const file = () => join(base, "dapr.yaml");
const instance = () => ({ portBase: 18080, offset: 10000, dir: join(base, "data") });
const app =
  "{ appID: order, appDirPath: app, appPort: 1, daprHTTPPort: 2, daprGRPCPort: 3, daprInternalGRPCPort: 4, metricsPort: 5, command: [node, main.js]";

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "dapr-file-"));
  mkdirSync(join(base, "app"));
  writeFileSync(join(base, "config.yaml"), "spec: { connectionString: .run/names.db }\n");
});

afterEach(() => rmSync(base, { recursive: true }));

test("folds the common part into each app and makes paths absolute", () => {
  const common =
    "common: { resourcesPaths: [./components], configFilePath: config.yaml, logLevel: warn, env: { A: '1', B: '1' } }";
  writeFileSync(file(), `version: 1\n${common}\napps: [${app}, logLevel: info, env: { B: '2' } }]\n`);

  const [order] = readApps(file(), instance());

  expect(order).toMatchObject({
    appID: "order",
    appPort: 10001,
    metricsPort: 10005,
    logLevel: "info",
    env: { A: "1", B: "2" },
  });
  expect(order!.dir).toBe(join(base, "app"));
  expect(order!.resourcesPaths).toEqual([join(base, "components")]);
  expect(readFileSync(order!.configFilePath!, "utf8")).toContain(join(base, "data", "names.db"));
});

test("gives the sidecar the flags and the app the variables of dapr run", () => {
  writeFileSync(file(), `version: 1\napps: [${app}, enableApiLogging: true, maxBodySize: 1Mi }]\n`);
  const [order] = readApps(file(), instance());

  const args = sidecarArgs(order!, { placement: "127.0.0.1:6050", scheduler: "127.0.0.1:6060" }).join(" ");

  expect(args).toContain("--app-id order --app-port 10001 --app-protocol http --dapr-http-port 10002");
  expect(args).toContain("--placement-host-address 127.0.0.1:6050 --scheduler-host-address 127.0.0.1:6060");
  expect(args).toContain("--max-body-size 1Mi");
  expect(args).toContain("--enable-api-logging");
  expect(args).not.toContain("undefined");
  expect(appEnv(order!)).toMatchObject({
    APP_ID: "order",
    APP_PORT: "10001",
    DAPR_HTTP_PORT: "10002",
    DAPR_GRPC_PORT: "10003",
  });
});

test("refuses what it would not pass on, by its place", () => {
  writeFileSync(file(), `version: 1\napps: [${app}, appSSL: true }]\n`);

  expect(() => readApps(file(), instance())).toThrow(/^dapr.yaml is not understood at apps.0: .*appSSL/);
});
