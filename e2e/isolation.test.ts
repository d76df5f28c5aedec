import { describe, expect, test } from "vitest";
import { type AppId, anyone, apps, port, sidecar, tokens } from "./support/system.js";

// What someone on this machine, or a service that was taken over, must not get at. With mTLS there is more: mtls.ts.

const ids = Object.keys(apps) as AppId[];
const services = ids.filter((app) => app !== "api-gateway");
const outcome = async (asked: Promise<Response>) => (await asked).status;

/** A call past the sidecar. */
const straight = (app: AppId, path: string, token?: string) =>
  fetch(`http://127.0.0.1:${port(apps[app][0])}${path}`, { headers: token ? { "dapr-api-token": token } : {} });

describe("a service's port", () => {
  test.each(services)("of %s answers its sidecar only", async (app) => {
    const refused = await straight(app, "/users/me");
    expect(refused.status).toBe(401);
    expect(refused.headers.get("content-type")).toContain("application/problem+json");
    const others = services.filter((other) => other !== app).map((other) => tokens(other).app);
    for (const wrong of ["x", tokens(app).api, ...others])
      for (const path of ["/dapr/subscribe", "/rpc/owner", "/nowhere"])
        expect(await outcome(straight(app, path, wrong))).toBe(401);
    expect(await outcome(straight(app, "/nowhere", tokens(app).app))).toBe(404);
    for (const path of ["/healthz", "/health", "/readyz"]) expect(await outcome(straight(app, path))).toBe(200);
  });

  test("is not opened from outside: the gateway passes no such header on", async () => {
    const answer = await anyone.call("GET", "/users/me", undefined, { "dapr-api-token": tokens("user").app });
    expect(answer.status).toBe(401);
    expect(answer.body.detail).toContain("sign in");
    expect(
      (await anyone.call("GET", "/products", undefined, { "dapr-api-token": "x", "dapr-app-id": "order" })).status,
    ).toBe(200);
  });
});

describe("a sidecar's API", () => {
  test.each(ids)("of %s answers its app only", async (app) => {
    const other = ids.find((one) => one !== app) as AppId;
    for (const wrong of ["", "x", tokens(app).app, tokens(other).api])
      for (const path of ["/v1.0/metadata", "/v1.0/invoke/product/method/products", "/v1.0/shutdown"])
        expect(await outcome(sidecar(app, path, undefined, { "dapr-api-token": wrong }))).toBe(401);
    expect(await outcome(sidecar(app, "/v1.0/metadata"))).toBe(200);
  });
});

describe("an app's sidecar", () => {
  test("opens no component of another", async () => {
    const components: [AppId, string][] = [
      ...services.map((app): [AppId, string] => [app, `/v1.0/state/${app}-state/none`]),
      ["order", "/v1.0/state/workflow/none"],
      ["user", "/v1.0/secrets/user-secrets/JWT_KEYS"],
      ["order", "/v1.0/configuration/configuration?key=currencies"],
    ];
    const readers: Partial<Record<string, AppId[]>> = { configuration: [...ids] };
    for (const [owner, path] of components) {
      const component = path.split("/")[3]?.split("?")[0] as string;
      for (const app of ids) {
        const may = (readers[component] ?? [owner]).includes(app);
        const status = await outcome(sidecar(app, path));
        expect([app, path, status < 300]).toEqual([app, path, may]);
      }
    }
  });

  test("runs no SQL of another, and sends no mail for another", async () => {
    const query = { operation: "query", metadata: { sql: "SELECT 1" } };
    for (const owner of services.filter((app) => app !== "user"))
      for (const app of ids)
        expect([owner, app, (await sidecar(app, `/v1.0/bindings/${owner}-sql`, query)).ok]).toEqual([
          owner,
          app,
          owner === app,
        ]);
    for (const app of ids.filter((one) => one !== "notification"))
      expect(await (await sidecar(app, "/v1.0/bindings/smtp", { operation: "create", data: "x" })).text()).toContain(
        "couldn't find output binding",
      );
  });

  test("gives away no connection string", async () => {
    for (const app of ids)
      for (const name of ["ORDER_DATABASE", "USER_JWT_KEYS", "REDIS_HOST", "APP_API_TOKEN"])
        expect(await outcome(sidecar(app, `/v1.0/secrets/secrets/${name}`))).toBe(403);
    for (const app of ids)
      expect(await (await sidecar(app, "/v1.0/secrets/secrets/bulk")).text()).not.toMatch(/postgres|DATABASE|TOKEN/);
  });

  test("publishes what its app says, and nothing else", async () => {
    const publish = (app: AppId, topic: string) => outcome(sidecar(app, `/v1.0/publish/pubsub/${topic}`, {}));
    for (const topic of ["orders.paid", "orders.created", "payments.succeeded", "dead-letter.order", "made.up"])
      expect([topic, await publish("notification", topic)]).toEqual([topic, 403]);
    expect(await publish("inventory", "payments.succeeded")).toBe(403);
    expect(await publish("payment", "orders.cancelled")).toBe(403);
    for (const app of ["product", "user", "api-gateway"] as const)
      expect(await publish(app, "orders.paid")).toBeGreaterThanOrEqual(400);
  });
});
