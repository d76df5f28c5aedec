import { expect, test } from "vitest";
import { accessControl } from "./access.js";

const apps = ["api-gateway", "product", "order", "user", "payment", "notification", "inventory"];

/** "payment POST /rpc/owner", by app. */
const lines = (app: string) =>
  accessControl(app, apps).policies.flatMap(({ appId, operations }) =>
    operations.map(({ name, httpVerb }) => `${appId} ${httpVerb.join(",")} ${name}`),
  );

test("what is not named is denied", () => {
  for (const app of apps) {
    const { defaultAction, policies } = accessControl(app, apps);
    expect([defaultAction, ...policies.map((policy) => policy.defaultAction)]).not.toContain("allow");
  }
  expect(accessControl("api-gateway", apps).policies).toEqual([]);
});

test("an app asks another what it must, and the gateway what is public", () => {
  expect(lines("notification")).toEqual([
    "api-gateway GET,HEAD /notifications",
    "api-gateway DELETE,GET,HEAD,POST /admin/dead-letters",
    "api-gateway DELETE,GET,HEAD,POST /admin/dead-letters/**",
  ]);
  expect(lines("order").filter((line) => !line.startsWith("api-gateway"))).toEqual(["payment POST /rpc/owner"]);
  expect(lines("user").filter((line) => !line.startsWith("api-gateway"))).toEqual([
    "product GET,HEAD /.well-known/jwks.json",
    "order GET,HEAD /.well-known/jwks.json",
    "user GET,HEAD /.well-known/jwks.json",
    "payment GET,HEAD /.well-known/jwks.json",
    "notification GET,HEAD /.well-known/jwks.json",
    "notification POST /rpc/users",
    "inventory GET,HEAD /.well-known/jwks.json",
  ]);
});

test("routes under the same beginning are one operation, as daprd looks no further than its first match", () => {
  expect(lines("order").filter((line) => / \/orders/.test(line))).toEqual([
    "api-gateway DELETE,GET,HEAD,PATCH,POST,PUT /orders",
    "api-gateway DELETE,GET,HEAD,PATCH,POST,PUT /orders/**",
  ]);
});
