import { z } from "zod";
import { Id, Time } from "./common.js";

export const Role = z.enum(["customer", "staff", "admin"]);
export type Role = z.infer<typeof Role>;

/** As RFC 5321 bounds it: 64 characters before the @, 63 in each part of the domain. */
const address =
  /^(?=[^@]{1,64}@)[\w'+-]+(?:\.[\w'+-]+)*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$/;
export const Email = z.email({ pattern: address }).max(254);
const Password = z.string().min(8).max(200);

const Name = z.string().trim().min(1).max(100);
/** A language, or a language and a country: "de", "de-AT". */
const Locale = z.string().regex(/^[a-z]{2}(-[A-Z]{2})?$/);
/** ISO 3166-1 alpha-2. */
export const Country = z.string().regex(/^[A-Z]{2}$/);

/** POST /users. Whoever asks becomes a customer. */
export const SignUp = z.strictObject({
  email: Email,
  password: Password,
  name: Name,
  locale: Locale.optional(),
  country: Country.optional(),
});

/** PATCH /users/me. A new password wants the present one beside it. */
export const PatchUser = z.strictObject({
  name: Name.optional(),
  locale: Locale.optional(),
  country: Country.nullable().optional(),
  password: Password.optional(),
  current_password: z.string().max(1000).optional(),
});
export type PatchUser = z.infer<typeof PatchUser>;

/** POST /auth/token. Lengths are not checked: a wrong password is a wrong password. */
export const TokenRequest = z.strictObject({ email: z.string().max(254), password: z.string().max(1000) });

export const Token = z.object({
  access_token: z.string(),
  token_type: z.literal("Bearer"),
  /** Seconds. */
  expires_in: z.int(),
});

/** RFC 7517: the public keys that access tokens are signed with. */
export const KeySet = z.object({ keys: z.array(z.looseObject({ kid: z.string(), kty: z.string(), alg: z.string() })) });

/** PUT /users/{id}/roles. */
export const SetRoles = z.strictObject({ roles: z.array(Role).min(1).max(3) });

export const User = z.object({
  id: Id,
  email: Email,
  name: z.string(),
  locale: z.string(),
  country: z.string().nullable(),
  roles: z.array(Role),
  created_at: Time,
});
export type User = z.infer<typeof User>;

/** notification, api-gateway → user, POST /rpc/users: those of the asked users that exist. */
export const UsersRequest = z.object({ user_ids: z.array(Id).min(1).max(100) });
const Contact = User.omit({ roles: true, created_at: true });
export type Contact = z.infer<typeof Contact>;
export const UsersAnswer = z.object({ users: z.array(Contact) });
export type UsersAnswer = z.infer<typeof UsersAnswer>;

/** What an access token says; issuer, audience and expiry are checked beside it. The country decides on taxes. */
export const Claims = z.object({ sub: Id, roles: z.array(Role), country: Country.nullable().default(null) });
export type Claims = z.infer<typeof Claims>;

export const tokenIssuer = "orders";
export const tokenAudience = "orders-api";
