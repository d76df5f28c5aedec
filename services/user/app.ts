import { Id } from "../../contracts/common.js";
import {
  Email,
  PatchUser,
  SetRoles,
  SignUp,
  TokenRequest,
  type UsersAnswer,
  UsersRequest,
} from "../../contracts/user.js";
import { type Authenticate, isAdmin, mustBeAdmin } from "../../kit/auth.js";
import { type App, body } from "../../kit/http.js";
import { Problem } from "../../kit/problem.js";
import { hashPassword, isOutdated, isPassword } from "./password.js";
import { type Guesses, guesses } from "./sign-in-throttle.js";
import type { Tokens } from "./tokens.js";
import { type Account, changed, contactOf, newAccount, view, withRoles } from "./user.js";
import type { Users } from "./users.js";

type Deps = { users: Users; tokens: () => Tokens; authenticate: Authenticate };

export function routes({ router }: App, { users, tokens, authenticate }: Deps): void {
  const { guess } = guesses();

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
    let account: Account | undefined;
    const right = await guess(email, async () => {
      account = Email.safeParse(email).success ? await users.find(email) : undefined;
      return (await isPassword(password, account?.password_hash ?? (await nobody))) && account !== undefined;
    });
    if (!account || !right) throw new Problem(401, "e-mail address or password is wrong");
    if (isOutdated(account.password_hash)) await renew(account, password);
    ctx.set("cache-control", "no-store");
    ctx.body = await tokens().issue(account, new Date());
  });

  /** The same password, hashed as passwords are today. Who cannot be stored just now is signed in all the same. */
  async function renew({ id, password_hash: old }: Account, password: string): Promise<void> {
    const renewed = async (account: Account) =>
      account.password_hash === old ? { ...account, password_hash: await hashPassword(password) } : account;
    await users.change(id, renewed).catch(() => undefined);
  }

  router.get("/users/me", async (ctx) => {
    ctx.body = view(existing(await users.get((await authenticate(ctx)).sub)));
  });

  router.patch("/users/me", async (ctx) => {
    const { sub } = await authenticate(ctx);
    ctx.body = view(existing(await users.change(sub, patcher(await body(ctx, PatchUser), guess))));
  });

  router.get("/users/:id", async (ctx) => {
    const who = await authenticate(ctx);
    const id = idOf(ctx.params.id);
    if (who.sub !== id && !isAdmin(who)) throw unknown();
    ctx.body = view(existing(await users.get(id)));
  });

  router.put("/users/:id/roles", async (ctx) => {
    const who = await authenticate(ctx);
    mustBeAdmin(who);
    const { roles } = await body(ctx, SetRoles);
    const id = idOf(ctx.params.id);
    if (who.sub === id && !roles.includes("admin"))
      throw new Problem(409, "admins do not take the admin role from themselves");
    ctx.body = view(existing(await users.change(id, (account) => withRoles(account, roles))));
  });

  /** Another service may ask about anyone. Who brings an authorization gets what GET /users/{id} would show. */
  router.post("/rpc/users", async (ctx) => {
    const who = ctx.get("authorization") ? await authenticate(ctx) : undefined;
    const { user_ids } = await body(ctx, UsersRequest);
    const maySee = ({ id }: Account) => !who || who.sub === id || isAdmin(who);
    const found = (await users.getMany(user_ids)).filter(maySee);
    ctx.body = { users: found.map(contactOf) } satisfies UsersAnswer;
  });

  router.get("/.well-known/jwks.json", (ctx) => {
    ctx.set("cache-control", "public, max-age=300");
    ctx.body = tokens().jwks;
  });
}

/** A change of one's own account; a new password is only taken from who knows the present one. */
function patcher({ password, current_password, ...patch }: PatchUser, guess: Guesses["guess"]) {
  if (password === undefined) return (account: Account) => changed(account, patch);
  if (current_password === undefined) {
    const message = "a new password wants the present one beside it";
    throw new Problem(422, message, { errors: [{ field: "current_password", message }] });
  }
  let password_hash: string | undefined;
  return async (account: Account) => {
    // Our own hash there: it was stored, and only the answer was lost.
    const known = () => isPassword(current_password, account.password_hash);
    if (account.password_hash !== password_hash && !(await guess(account.email, known)))
      throw new Problem(403, "the present password is wrong");
    password_hash ??= await hashPassword(password);
    return { ...changed(account, patch), password_hash };
  };
}

const unknown = () => new Problem(404, "there is no such user");

function idOf(text: string | undefined): string {
  const id = Id.safeParse(text);
  if (!id.success) throw unknown();
  return id.data;
}

function existing(account: Account | undefined): Account {
  if (!account) throw unknown();
  return account;
}
