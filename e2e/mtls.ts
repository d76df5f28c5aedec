import { scryptSync } from "node:crypto";
import { decodeProtectedHeader } from "jose";
import { describe, expect, test } from "vitest";
import { questions } from "../contracts/questions.js";
import { callInternal, invocation, schedulersIdentity, stray } from "./support/intruder.js";
import {
  type AppId,
  anyone,
  apps,
  command,
  eventually,
  must,
  newCustomer,
  place,
  port,
  processes,
  product,
  reaches,
  sidecar,
  withToken,
} from "./support/system.js";

// A system with mTLS: sidecars know who asks, and let through what that app must ask.

const ids = Object.keys(apps) as AppId[];
const internalPort = (app: AppId) => port(apps[app][1] + 200);

/** What an app gets when it asks another through its own sidecar. */
async function invoke(from: AppId, to: AppId, path: string, method: "GET" | "POST") {
  const answer = await sidecar(from, `/v1.0/invoke/${to}/method${path}`, method === "POST" ? {} : undefined);
  const text = await answer.text();
  return { status: answer.status, denied: answer.status === 403 && text.includes("access control policy has denied") };
}

/** Who of all other apps is turned away; at once, because a sidecar asks in vain three times. */
function byOthers(app: AppId, path: string, method: "GET" | "POST"): Promise<[AppId, boolean][]> {
  const others = ids.filter((one) => one !== app);
  return Promise.all(others.map(async (from) => [from, (await invoke(from, app, path, method)).denied]));
}

describe("an order", () => {
  test("goes its whole way", async () => {
    const ada = await newCustomer();
    const { id } = (await place(ada, product(2).id, 1, "card_ok")).body;
    expect((await reaches(ada, id, "processing")).status).toBe("processing");
    const cancelled = await must(ada.cancelOrder({ params: { id }, body: {} }));
    expect(cancelled.status).toBe("cancelled");
    const order = await eventually(
      () => must(ada.order({ params: { id } })),
      ({ payment }) => payment.refund?.status === "done",
    );
    expect(order.payment.refund?.status).toBe("done");
  });
});

describe("an app asks another only what the table says", () => {
  const all = Object.entries(questions).flatMap(([app, its]) =>
    Object.entries(its).map(([path, callers]) => [app as AppId, path, callers] as const),
  );

  test.each(all)("%s %s", async (app, path, callers) => {
    const found = await byOthers(app, path, "POST");
    expect(found).toEqual(found.map(([from]) => [from, !callers.includes(from)]));
  });

  test("public routes are the gateway's alone; what is nobody's is nobody's", async () => {
    const routes: [AppId, string, "GET" | "POST"][] = [
      ["product", "/products", "GET"],
      ["order", "/orders", "GET"],
      ["order", "/orders/none/cancel", "POST"],
      ["order", "/admin/reconciliation", "POST"],
      ["payment", "/payments/none", "GET"],
      ["notification", "/notifications", "GET"],
      ["inventory", "/inventory/none", "GET"],
      ["user", "/users/me", "GET"],
      ["user", "/auth/token", "POST"],
      ["payment", "/admin/dead-letters", "GET"],
      ["inventory", "/admin/dead-letters/inventory/none/redrive", "POST"],
    ];
    for (const [app, path, method] of routes) {
      const found = await byOthers(app, path, method);
      expect(found, `${app} ${path}`).toEqual(found.map(([from]) => [from, from !== "api-gateway"]));
    }
    const insides: [AppId, string, "GET" | "POST"][] = [
      ["order", "/events/payments.succeeded", "POST"],
      ["payment", "/dead-letters", "POST"],
      ["inventory", "/dapr/subscribe", "GET"],
      ["user", "/nowhere", "GET"],
      ["api-gateway", "/products", "GET"],
      ["api-gateway", "/healthz", "GET"],
    ];
    for (const [app, path, method] of insides) {
      const found = await byOthers(app, path, method);
      expect(found, `${app} ${path}`).toEqual(found.map(([from]) => [from, true]));
    }
  });

  test("every app reads the keys of access tokens", async () => {
    for (const from of ids) {
      const { status } = await invoke(from, "user", "/.well-known/jwks.json", "GET");
      expect([from, status]).toEqual([from, 200]);
    }
  });
});

describe("the port that sidecars keep for each other", () => {
  const owner = invocation("rpc/owner");

  test.each(ids)("of %s takes neither plain text nor a caller without a certificate", async (app) => {
    await expect(callInternal(internalPort(app), "CallLocal", owner)).rejects.toThrow();
    await expect(callInternal(internalPort(app), "CallLocal", owner, {})).rejects.toThrow();
  });

  test("of order takes no call of someone whom the authority knows, but who is no app that may", async () => {
    const { code, message } = await callInternal(internalPort("order"), "CallLocal", owner, schedulersIdentity());
    expect([code, message]).toEqual([7, expect.stringContaining("access control policy has denied")]);
  });

  test("of order lets nobody else touch a saga", async () => {
    const ada = await newCustomer();
    const { id } = (await place(ada, product(2).id)).body;
    const saga = async () => (await sidecar("order", `/v1.0/workflows/dapr/${id}`)).json();
    const running = { runtimeStatus: "RUNNING" };
    expect(await eventually(saga, (state) => state.runtimeStatus === "RUNNING")).toMatchObject(running);
    const type = "dapr.internal.default.order.workflow";
    for (const method of ["PurgeWorkflowState", "WaitForRuntimeStatus", "AnyMethod"]) {
      const call = invocation(method, { type, id });
      const { code, message } = await callInternal(internalPort("order"), "CallActor", call, schedulersIdentity());
      expect([code, message]).toEqual([7, expect.stringContaining("access denied by workflow access policy")]);
    }
    expect(await saga()).toMatchObject(running);
    await must(ada.cancelOrder({ params: { id }, body: {} }));
  });
});

describe("a sidecar that nobody started for an app", () => {
  const asks = async (url: string) => {
    const headers = { "content-type": "application/json" };
    const owner = `${url}/v1.0/invoke/order/method/rpc/owner`;
    return (await fetch(owner, { method: "POST", headers, body: "{}" })).status;
  };

  test("gets no identity from sentry without the token of its name", async () => {
    for (const token of [undefined, "order.jwt"]) {
      const { served, output } = await stray("payment", { mtls: true, ...(token && { token }) }, asks);
      expect([served, output]).toEqual([false, expect.stringContaining("error from sentry SignCertificate")]);
    }
  });

  test("gets in with it: the token is the identity", async () => {
    const { served, found } = await stray("payment", { mtls: true, token: "payment.jwt" }, asks);
    expect([served, found]).toEqual([true, 422]);
  });

  test("without mTLS reaches no app", async () => {
    const { served, found } = await stray("payment", { mtls: false }, asks);
    expect([served, found]).toEqual([true, 500]);
  });
});

describe("signing in", () => {
  const signIn = (email: string, password: string) => anyone.signIn({ body: { email, password } });

  test("is refused after ten wrong passwords, the right one too, and alike whether there is an account", async () => {
    const eve = await newCustomer();
    const refusals: unknown[] = [];
    for (const email of [eve.email, `${crypto.randomUUID()}@example.com`]) {
      for (let n = 0; n < 10; n++) expect((await signIn(email, "planted-wrong")).status).toBe(401);
      const { status, body, headers } = await signIn(email, eve.password);
      expect(status).toBe(429);
      expect(Number(headers.get("retry-after"))).toBeGreaterThan(800);
      refusals.push(body);
    }
    expect(refusals[0]).toEqual(refusals[1]);
    expect(
      (await eve.call("PATCH", "/users/me", { password: "planted-next", current_password: eve.password })).status,
    ).toBe(429);
    expect((await must(eve.me())).email).toBe(eve.email);
  });

  test("brings an old hash to today's parameters", async () => {
    const { id, email, password } = await newCustomer();
    const path = `/v1.0/state/user-state/user:${id}`;
    const stored = async () => (await (await sidecar("user", path)).json()) as { password_hash: string };
    const account = await stored();
    const today = account.password_hash.split("$").slice(0, 4);
    const hash = scryptSync(password, "salt", 32, { N: 2 ** 14, r: 8, p: 1 });
    const password_hash = [
      "scrypt",
      2 ** 14,
      8,
      1,
      ...["salt", hash].map((part) => Buffer.from(part).toString("base64url")),
    ];
    const old = { ...account, password_hash: password_hash.join("$") };
    expect((await sidecar("user", "/v1.0/state/user-state", [{ key: `user:${id}`, value: old }])).ok).toBe(true);

    expect((await signIn(email, "planted-wrong")).status).toBe(401);
    expect((await stored()).password_hash).toBe(old.password_hash);
    expect((await signIn(email, password)).status).toBe(200);
    expect((await stored()).password_hash.split("$").slice(0, 4)).toEqual(today);
    expect((await signIn(email, password)).status).toBe(200);
  });
});

describe("the keys of access tokens", () => {
  const keys = async () => (await must(anyone.keys())).keys.map(({ kid }) => kid);
  const kidOf = (token?: string) => decodeProtectedHeader(token as string).kid;

  test("are rotated without a break, and what a retired key has signed ends", async () => {
    const before = await newCustomer();
    const order = (await place(before, product(2).id)).body;
    const [old] = await keys();
    expect(kidOf(before.token)).toBe(old);

    expect(await command("keys", "rotate")).toMatchObject({ code: 0, text: expect.stringContaining(`${old}   holds`) });
    const published = await eventually(keys, (found) => found.length === 2, 60);
    expect(published).toEqual([expect.not.stringMatching(old as string), old]);
    const after = await newCustomer();
    expect(kidOf(after.token)).toBe(published[0]);
    for (const who of [before, after]) expect((await who.me()).status).toBe(200);
    expect((await before.order({ params: { id: order.id } })).status).toBe(200);
    expect((await after.orders()).status).toBe(200);

    expect(await command("keys", "retire")).toMatchObject({ code: 0, text: expect.not.stringContaining("holds") });
    expect(await eventually(keys, (found) => found.length === 1, 60)).toEqual([published[0]]);
    expect(
      (
        await eventually(
          () => after.me(),
          ({ status }) => status === 200,
        )
      ).status,
    ).toBe(200);
    // Whoever verifies asks for the keys again within ten minutes, or when it starts.
    for (const app of ["api-gateway", "order"]) await processes.restart(app);
    const refused = await eventually(
      () => before.order({ params: { id: order.id } }),
      ({ status }) => status === 401,
    );
    expect(refused.status).toBe(401);
    expect((await withToken(before.token).me()).status).toBe(401);
    expect(
      (
        await eventually(
          () => after.orders(),
          ({ status }) => status === 200,
        )
      ).status,
    ).toBe(200);
  });
});
