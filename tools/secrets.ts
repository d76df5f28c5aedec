import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Refusal } from "./say.js";

/** `api` opens an app's sidecar to the app, `app` opens the app to its sidecar. */
export type Tokens = { api: string; app: string };
export type Secrets = { postgresPassword: string; userJwtKeys: string; tokens: Record<string, Tokens> };

const fileOf = (dir: string) => join(dir, "secrets.json");
const random = () => randomBytes(24).toString("base64url");

/** The instance's secrets: made once, readable by their owner only. What is missing for these apps is added. */
export function secretsOf(dir: string, apps: string[] = []): Secrets {
  const stored = storedIn(dir);
  const tokens = apps.map((app) => [app, stored.tokens?.[app] ?? { api: random(), app: random() }]);
  const secrets = {
    postgresPassword: stored.postgresPassword ?? random(),
    userJwtKeys: stored.userJwtKeys ?? JSON.stringify({ keys: [signingKey()] }),
    tokens: { ...stored.tokens, ...Object.fromEntries(tokens) },
  };
  if (JSON.stringify(secrets) !== JSON.stringify(stored)) store(dir, secrets);
  return secrets;
}

function storedIn(dir: string): Partial<Secrets> {
  return existsSync(fileOf(dir)) ? JSON.parse(readFileSync(fileOf(dir), "utf8")) : {};
}

/** In one step: others read it meanwhile. */
function store(dir: string, secrets: Secrets): void {
  mkdirSync(dir, { recursive: true });
  writeFileSync(`${fileOf(dir)}.new`, JSON.stringify(secrets, null, 1), { mode: 0o600 });
  renameSync(`${fileOf(dir)}.new`, fileOf(dir));
}

/** What opens an app and its sidecar, for who asks one of them from this machine. */
export function tokensOf(dir: string, app: string): Tokens {
  const tokens = storedIn(dir).tokens?.[app];
  if (!tokens) throw new Refusal(`Nothing was started in ${dir} yet: start it first with npm start.`);
  return tokens;
}

/** A private JSON Web Key. */
export type SigningKey = { kid: string; [member: string]: unknown };

export function signingKey(): SigningKey {
  const { privateKey } = generateKeyPairSync("ed25519");
  return { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), alg: "EdDSA", use: "sig" };
}

/** Stores what the change makes of the keys of access tokens, of which the first signs. */
export function changeKeys(dir: string, change: (keys: SigningKey[]) => SigningKey[]): SigningKey[] {
  const secrets = secretsOf(dir);
  const keys = change((JSON.parse(secrets.userJwtKeys) as { keys: SigningKey[] }).keys);
  store(dir, { ...secrets, userJwtKeys: JSON.stringify({ keys }) });
  return keys;
}
