import { importJWK, type JWK, SignJWT } from "jose";
import { z } from "zod";
import { tokenAudience, tokenIssuer, type User } from "../../contracts/user.js";
import type { Dapr } from "../../kit/dapr.js";

const lifetime = 3600;
const Keys = z.object({
  keys: z.array(z.looseObject({ kid: z.string(), kty: z.literal("OKP"), d: z.string() })).min(1),
});

export type Tokens = Awaited<ReturnType<typeof readTokens>>;

/** Signing keys from the secret store; the first signs, all verify, so that a key can be replaced without a break. */
export async function readTokens(dapr: Dapr) {
  const { text } = await dapr.must("user-secrets", "GET", "/v1.0/secrets/user-secrets/JWT_KEYS");
  const { keys } = Keys.parse(JSON.parse((JSON.parse(text) as { JWT_KEYS: string }).JWT_KEYS));
  const signer = keys[0] as JWK & { kid: string };
  const key = await importJWK(signer, "EdDSA");
  const jwks = {
    keys: keys.map(({ kid, kty, crv, x }) => ({ kid, kty, crv, x, alg: "EdDSA", use: "sig" })),
  };
  return {
    jwks,
    async issue({ id, roles, country }: User, now: Date) {
      const issued = Math.floor(now.getTime() / 1000);
      const access_token = await new SignJWT({ roles, country })
        .setProtectedHeader({ alg: "EdDSA", kid: signer.kid })
        .setSubject(id)
        .setIssuer(tokenIssuer)
        .setAudience(tokenAudience)
        .setIssuedAt(issued)
        .setExpirationTime(issued + lifetime)
        .sign(key);
      return { access_token, token_type: "Bearer", expires_in: lifetime };
    },
  };
}
