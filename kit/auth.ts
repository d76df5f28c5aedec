import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import type Koa from "koa";
import { z } from "zod";
import { Claims, tokenAudience, tokenIssuer } from "../contracts/user.js";
import { by } from "./context.js";
import { opening, type Sidecar, sidecarUrl } from "./dapr.js";
import { Problem, Unavailable } from "./problem.js";

/** Who calls: 401 without a good bearer token. Verified by each service itself, with the user service's public keys. */
export type Authenticate = (ctx: Pick<Koa.Context, "get" | "set">) => Promise<Claims>;

type Checked = { claims: Claims; until: number };

export function authenticator(sidecar: Sidecar): Authenticate {
  const keys = createRemoteJWKSet(new URL("/v1.0/invoke/user/method/.well-known/jwks.json", sidecarUrl(sidecar)), {
    ...{ cooldownDuration: 5_000, cacheMaxAge: 600_000, timeoutDuration: 5_000 },
    headers: opening(sidecar),
  });
  // A signature is checked once a minute per token, not once per request. So a retired key's tokens end with the keys
  // above, which are asked for again after ten.
  const checked = new Map<string, Checked>();

  async function check(token: string): Promise<Checked> {
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: ["EdDSA"],
        issuer: tokenIssuer,
        audience: tokenAudience,
        requiredClaims: ["exp", "sub"],
      });
      const until = Math.min((payload.exp as number) * 1000, Date.now() + 60_000);
      return { claims: Claims.parse(payload), until };
    } catch (error) {
      if (keysAreAway(error)) throw new Unavailable("the user service", error);
      throw new Problem(401, "the access token is not valid");
    }
  }

  return async (ctx) => {
    const token = /^Bearer ([\w.-]+)$/i.exec(ctx.get("authorization"))?.[1];
    if (!token) {
      ctx.set("www-authenticate", "Bearer");
      throw new Problem(401, "sign in and send the access token as Authorization: Bearer …");
    }
    let known = checked.get(token);
    if (!known || known.until <= Date.now()) {
      known = await check(token);
      if (checked.size >= 1_000) checked.clear();
      checked.set(token, known);
    }
    if (known.until <= Date.now()) throw new Problem(401, "the access token is not valid");
    by(known.claims.sub);
    return known.claims;
  };
}

/** Neither the token nor its claims are wrong: the keys could not be fetched. */
function keysAreAway(error: unknown): boolean {
  if (error instanceof z.ZodError) return false;
  if (!(error instanceof errors.JOSEError)) return true;
  return error instanceof errors.JWKSTimeout || error.code === errors.JOSEError.code;
}

/** Admin may do all that staff may. */
export const isStaff = (who: Claims): boolean => who.roles.includes("staff") || isAdmin(who);
export const isAdmin = (who: Claims): boolean => who.roles.includes("admin");

export function mustBeStaff(who: Claims): void {
  if (!isStaff(who)) throw new Problem(403, "only staff may do that");
}

export function mustBeAdmin(who: Claims): void {
  if (!isAdmin(who)) throw new Problem(403, "only admins may do that");
}

export function mustBeCustomer(who: Claims): void {
  if (!who.roles.includes("customer")) throw new Problem(403, "only customers may do that");
}
