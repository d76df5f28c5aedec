import { Email, SignUp, TokenRequest } from "../../contracts/user.js";
import type { Authenticate } from "../../kit/auth.js";
import { type App, body } from "../../kit/http.js";
import { Problem, Unavailable } from "../../kit/problem.js";
import type { Store } from "../../kit/state.js";
import { hashPassword, isPassword } from "./password.js";
import type { Tokens } from "./tokens.js";
import { type Account, newAccount, normal, view } from "./user.js";

type Deps = { users: Users; tokens: () => Tokens; authenticate: Authenticate };
export type Users = ReturnType<typeof users>;

/** Accounts by id, and the id by address: both rows in one transaction, so that an address is taken once. */
export function users(store: Store) {
  const byId = (id: string) => `user:${id}`;
  const byEmail = (email: string) => `email:${normal(email)}`;
  return {
    async get(id: string): Promise<Account | undefined> {
      return (await store.get<Account>(byId(id))).value;
    },
    async find(email: string): Promise<Account | undefined> {
      const { value } = await store.get<{ user_id: string }>(byEmail(email));
      return value ? this.get(value.user_id) : undefined;
    },
    /** False when the address is taken. */
    async add(account: Account): Promise<boolean> {
      for (let tries = 0; tries < 5; tries++) {
        const owner = (await store.get<{ user_id: string }>(byEmail(account.email))).value;
        if (owner) return owner.user_id === account.id;
        const rows = [
          { key: byEmail(account.email), value: { user_id: account.id }, insert: true },
          { key: byId(account.id), value: account, insert: true },
        ];
        if (await store.transact(rows)) return true;
      }
      throw new Unavailable("the state store");
    },
  };
}

export function routes({ router }: App, { users, tokens, authenticate }: Deps): void {
  router.post("/users", async (ctx) => {
    const { password, ...request } = await body(ctx, SignUp);
    const account = newAccount(request, crypto.randomUUID(), await hashPassword(password), new Date().toISOString());
    if (!(await users.add(account))) throw new Problem(409, "there is an account with this e-mail address");
    ctx.status = 201;
    ctx.set("location", `/users/${account.id}`);
    ctx.body = view(account);
  });

  // A made-up hash of the same cost: an unknown address takes as long to refuse as a wrong password.
  const nobody = hashPassword(crypto.randomUUID());

  router.post("/auth/token", async (ctx) => {
    const { email, password } = await body(ctx, TokenRequest);
    const account = Email.safeParse(email).success ? await users.find(email) : undefined;
    const right = await isPassword(password, account?.password_hash ?? (await nobody));
    if (!account || !right) throw new Problem(401, "e-mail address or password is wrong");
    ctx.set("cache-control", "no-store");
    ctx.body = await tokens().issue(account, new Date());
  });

  router.get("/users/me", async (ctx) => {
    const account = await users.get((await authenticate(ctx)).sub);
    if (!account) throw new Problem(404, "there is no such user");
    ctx.body = view(account);
  });

  router.get("/.well-known/jwks.json", (ctx) => {
    ctx.set("cache-control", "public, max-age=300");
    ctx.body = tokens().jwks;
  });
}
