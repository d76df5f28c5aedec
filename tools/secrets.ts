import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type Secrets = { postgresPassword: string; userJwtKeys: string };

/** The instance's secrets: made once, readable by their owner only. */
export function secretsOf(dir: string): Secrets {
  const path = join(dir, "secrets.json");
  if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8"));
  const secrets = { postgresPassword: randomBytes(24).toString("base64url"), userJwtKeys: signingKeys() };
  mkdirSync(dir, { recursive: true });
  writeFileSync(path, JSON.stringify(secrets, null, 1), { mode: 0o600 });
  return secrets;
}

function signingKeys(): string {
  const { privateKey } = generateKeyPairSync("ed25519");
  const key = { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), alg: "EdDSA", use: "sig" };
  return JSON.stringify({ keys: [key] });
}
