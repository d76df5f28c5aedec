import { spawnSync } from "node:child_process";
import { decodeJwt } from "jose";
import { describe, expect, test } from "vitest";
import {
  anyone,
  eventually,
  type Person,
  port,
  processes,
  sidecar,
  signedIn,
  tokens,
  withToken,
} from "./support/system.js";

const [ada, staff, admin] = await Promise.all([signedIn("ada"), signedIn("staff"), signedIn("admin")]);
const unknown = "00000000-0000-4000-8000-00000000ffff";
const password = "long enough";

type Account = { id: string; email: string; name: string; locale: string; country: string | null; roles: string[] };

const tokenFor = (email: string, word = password) =>
  anyone.call<{ access_token: string }>("POST", "/auth/token", { email, password: word });

async function signUp(more: object = {}): Promise<Person & { id: string; email: string }> {
  const email = `${crypto.randomUUID()}@example.com`;
  const { body } = await anyone.call<Account>("POST", "/users", { email, password, name: "Eve", ...more });
  return { ...withToken((await tokenFor(email)).body.access_token), id: body.id, email };
}

const me = async (who: Person) => (await who.call<Account>("GET", "/users/me")).body;

describe("one's own account", () => {
  test("changes field by field; null takes the country away", async () => {
    const eve = await signUp({ country: "AT" });
    expect(await me(eve)).toMatchObject({ name: "Eve", locale: "en", country: "AT" });
    const changed = await eve.call<Account>("PATCH", "/users/me", { locale: "de-AT", name: " Eva " });
    expect(changed.body).toMatchObject({ name: "Eva", locale: "de-AT", country: "AT" });
    await eve.call("PATCH", "/users/me", { country: null });
    expect(await me(eve)).toEqual({ ...changed.body, country: null });
    expect((await eve.call("PATCH", "/users/me")).status).toBe(200);
  });

  test.each<[object, number]>([
    [{ roles: ["admin"] }, 422],
    [{ email: "other@example.com" }, 422],
    [{ locale: "german" }, 422],
    [{ country: "Austria" }, 422],
    [{ name: " " }, 422],
    [{ password: "new enough" }, 422],
    [{ password: "short", current_password: password }, 422],
    [{ password: "new enough", current_password: "wrong" }, 403],
  ])("%j: %i, and nothing changes", async (patch, status) => {
    const eve = await signUp();
    const before = await me(eve);
    expect((await eve.call("PATCH", "/users/me", { name: "Eva", ...patch })).status).toBe(status);
    expect(await me(eve)).toEqual(before);
    expect((await tokenFor(eve.email)).status).toBe(200);
  });

  test("a new password counts, the old one does not", async () => {
    const eve = await signUp();
    const patch = { password: "new enough", current_password: password };
    const changed = await eve.call("PATCH", "/users/me", patch);
    expect(changed.status).toBe(200);
    expect(JSON.stringify(changed.body)).not.toMatch(/password|scrypt/);
    expect([(await tokenFor(eve.email)).status, (await tokenFor(eve.email, "new enough")).status]).toEqual([401, 200]);
  });

  test("20 changes at once: none is lost", async () => {
    const eve = await signUp();
    const patches = Array.from({ length: 20 }, (_, n) => [{ name: "Eva" }, { locale: "de" }, { country: "AT" }][n % 3]);
    const answers = await Promise.all(patches.map((patch) => eve.call("PATCH", "/users/me", patch)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await me(eve)).toMatchObject({ name: "Eva", locale: "de", country: "AT" });
  });

  test("its country is in the next token", async () => {
    const eve = await signUp();
    await eve.call("PATCH", "/users/me", { country: "AT" });
    const token = (await tokenFor(eve.email)).body.access_token;
    expect(decodeJwt(token)).toMatchObject({ sub: eve.id, roles: ["customer"], country: "AT" });
  });

  test("while the store is away the answer is 503, later 200", async () => {
    const eve = await signUp();
    await processes.stop("postgres");
    const refused = await eve.call("PATCH", "/users/me", { name: "Eva" });
    await processes.start("postgres");
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "2"]);
    const again = () => eve.call<Account>("PATCH", "/users/me", { name: "Eva" });
    // Each replica finds its store again for itself.
    const some = () => Promise.all([again(), again(), again(), again()]);
    const answers = await eventually(some, (all) => all.every(({ status }) => status === 200));
    expect(answers.map(({ body }) => body.name)).toEqual(Array(4).fill("Eva"));
  });
});

describe("other accounts", () => {
  test("are seen by admins, by themselves, and by nobody else", async () => {
    const eve = await signUp();
    const ask = async (who: Person, id: string) => (await who.call("GET", `/users/${id}`)).status;
    const all = [anyone, eve, ada, staff, admin];
    expect(await Promise.all(all.map((who) => ask(who, eve.id)))).toEqual([401, 200, 404, 404, 200]);
    expect(await Promise.all(all.map((who) => ask(who, unknown)))).toEqual([401, 404, 404, 404, 404]);
    expect(await ask(admin, "x")).toBe(404);
    expect((await admin.call("GET", `/users/${eve.id.toUpperCase()}`)).body).toEqual(await me(eve));
  });

  test("get roles from admins, which the next token has", async () => {
    const eve = await signUp();
    const set = (who: Person, roles: string[], id = eve.id) =>
      who.call<Account>("PUT", `/users/${id}/roles`, { roles });
    const statuses = await Promise.all([anyone, eve, staff].map(async (who) => (await set(who, ["staff"])).status));
    expect(statuses).toEqual([401, 403, 403]);
    expect((await set(admin, ["staff", "customer", "staff"])).body.roles).toEqual(["customer", "staff"]);
    expect(decodeJwt((await tokenFor(eve.email)).body.access_token).roles).toEqual(["customer", "staff"]);
    for (const roles of [[], ["king"]]) expect((await set(admin, roles)).status).toBe(422);
    expect((await set(admin, ["staff"], unknown)).status).toBe(404);
  });

  test("an admin stays one until another says otherwise", async () => {
    const { id } = await me(admin);
    const set = (roles: string[]) => admin.call<Account>("PUT", `/users/${id}/roles`, { roles });
    expect((await set(["staff"])).status).toBe(409);
    expect((await set(["admin"])).body.roles).toEqual(["admin"]);
  });

  test("are not asked for in bulk from outside", async () => {
    expect((await admin.call("POST", "/rpc/users", { user_ids: [unknown] })).status).toBe(404);
  });

  test("neighbours ask for many at once and get contacts only", async () => {
    const eve = await signUp({ locale: "de" });
    const body = { user_ids: [eve.id, unknown] };
    const answer = await sidecar("notification", "/v1.0/invoke/user/method/rpc/users", body);
    const contact = { id: eve.id, email: eve.email, name: "Eve", locale: "de", country: null };
    expect(await answer.json()).toEqual({ users: [contact] });
  });
});

describe("the first admin", () => {
  const there = { DAPR_HTTP_PORT: String(port(3503)), DAPR_API_TOKEN: tokens("user").api };
  const make = (email: string, env: Record<string, string> = there) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ["dist/services/user/make-admin.js", email], {
      env,
      encoding: "utf8",
    });
    return [status, stdout + stderr] as const;
  };

  test("is made by a command, which may be repeated", async () => {
    const eve = await signUp();
    expect(make(eve.email.toUpperCase())).toEqual([0, `${eve.email} is an admin from the next sign-in on.\n`]);
    expect(make(eve.email)).toEqual([0, `${eve.email} is an admin already.\n`]);
    expect((await me(eve)).roles).toEqual(["customer", "admin"]);
    const token = (await tokenFor(eve.email)).body.access_token;
    expect((await withToken(token).call("GET", `/users/${unknown}`)).status).toBe(404);
    expect((await withToken(token).call("GET", `/users/${(await me(ada)).id}`)).status).toBe(200);
  });

  test("needs an account and a running system, and says so", () => {
    expect(make("nobody@example.com")).toEqual([1, expect.stringContaining("no account nobody@example.com")]);
    expect(make("nobody")).toEqual([1, expect.stringContaining("is no e-mail address")]);
    expect(make("nobody@example.com", { DAPR_HTTP_PORT: "9" })).toEqual([
      1,
      expect.stringContaining("start the system"),
    ]);
    expect(make("nobody@example.com", {})).toEqual([1, expect.stringContaining("DAPR_HTTP_PORT is not set")]);
  });
});
