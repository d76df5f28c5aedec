import { type Contact, type PatchUser, Role, type User } from "../../contracts/user.js";

/** A user as stored; never leaves the service with its password hash. */
export type Account = User & { password_hash: string };

export function newAccount(
  request: { email: string; name: string; locale?: string; country?: string },
  id: string,
  password_hash: string,
  now: string,
  roles: Role[] = ["customer"],
): Account {
  const { email, name, locale = "en", country = null } = { ...request, country: request.country ?? null };
  return { id, email: normal(email), name, locale, country, roles, created_at: now, password_hash };
}

/** Null takes the country away; what is left out stays. */
export function changed(account: Account, { name, locale, country }: PatchUser): Account {
  return {
    ...account,
    ...(name !== undefined && { name }),
    ...(locale !== undefined && { locale }),
    ...(country !== undefined && { country }),
  };
}

/** Each role once, in the contract's order. */
export function withRoles(account: Account, roles: Role[]): Account {
  return { ...account, roles: Role.options.filter((role) => roles.includes(role)) };
}

/** One spelling per address, so that it can be taken only once. */
export const normal = (email: string): string => email.trim().toLowerCase();

export function view({ password_hash, ...user }: Account): User {
  return user;
}

/** What other services may know. */
export const contactOf = ({ id, email, name, locale, country }: Account): Contact => {
  return { id, email, name, locale, country };
};
