import { z } from "zod";
import { Id, Time } from "./common.js";

export const Role = z.enum(["customer", "staff", "admin"]);
export type Role = z.infer<typeof Role>;

export const Email = z.email().max(254);
const Password = z.string().min(8).max(200);

/** POST /users. */
export const SignUp = z.strictObject({
  email: Email,
  password: Password,
  name: z.string().trim().min(1).max(100),
  locale: z
    .string()
    .regex(/^[a-z]{2}(-[A-Z]{2})?$/)
    .optional(),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .optional(),
});

/** POST /auth/token. Lengths are not checked: a wrong password is a wrong password. */
export const TokenRequest = z.strictObject({ email: z.string().max(254), password: z.string().max(1000) });

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

/** What an access token says; issuer, audience and expiry are checked beside it. */
export const Claims = z.object({ sub: Id, roles: z.array(Role) });
export type Claims = z.infer<typeof Claims>;

export const tokenIssuer = "orders";
export const tokenAudience = "orders-api";
