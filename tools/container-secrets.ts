import { createHmac } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { stringify } from "yaml";
import { appIds } from "./dapr-file.js";
import { databases } from "./databases.js";
import { root } from "./instance.js";
import { help, Refusal } from "./say.js";
import { type Secrets, secretsOf } from "./secrets.js";

const usage = `
npm run secrets -- compose           make .secrets/, which docker-compose.yml reads
npm run -s secrets -- kubernetes     print the same secrets as manifests, for \`kubectl apply -n orders -f -\`

  --postgres <host>                  where the databases are ("postgres")
  --sslmode <mode>                   how they are reached ("disable"; "require" where the server has a certificate)

They are made once, kept in .secrets/secrets.json, and stay the same afterwards.
`;

/** Where the databases are, as their clients see them. */
type Server = { host: string; sslmode: string };
type Values = Record<string, string>;

export async function run(args: string[]): Promise<void> {
  help(args, usage);
  const [kind] = args;
  const option = (name: string, otherwise: string) => {
    const at = args.indexOf(`--${name}`);
    return at < 0 ? otherwise : (args[at + 1] ?? otherwise);
  };
  const server = { host: option("postgres", "postgres"), sslmode: option("sslmode", "disable") };
  const dir = resolve(root, ".secrets");
  const apps = appIds(join(root, "dapr.yaml"));
  const secrets = secretsOf(dir, apps);
  if (kind === "kubernetes") return console.log(manifests(secrets, apps, server));
  if (kind !== "compose") throw new Refusal("Say which: npm run secrets -- compose, or kubernetes.");
  writeEnvFiles(dir, secrets, apps, server);
  console.log(`The secrets are in ${dir}, readable to you alone. Next: docker compose up --build --wait`);
}

/** One password per database follows from the server's, so there is one to keep. */
const passwordOf = ({ postgresPassword }: Secrets, database: string): string =>
  createHmac("sha256", postgresPassword).update(database).digest("base64url");

function urlOf(secrets: Secrets, database: string, { host, sslmode }: Server): string {
  const name = `orders_${database}`;
  return `postgres://${name}:${passwordOf(secrets, database)}@${host}:5432/${name}?sslmode=${sslmode}`;
}

/** What an app's sidecar is told beside its tokens: its own connection strings and nobody else's. */
function sidecarSecrets(secrets: Secrets, app: string, server: Server): Values {
  const own = databases.filter((name) => name === app || name === "configuration");
  return {
    ...Object.fromEntries(own.map((name) => [`${name.toUpperCase()}_DATABASE`, urlOf(secrets, name, server)])),
    ...(app === "user" && { USER_JWT_KEYS: secrets.userJwtKeys }),
  };
}

/** Each file with what one container is told. */
export function writeEnvFiles(dir: string, secrets: Secrets, apps: string[], server: Server): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const write = (name: string, values: Values) => {
    const lines = Object.entries(values).map(([key, value]) => `${key}='${value}'\n`);
    writeFileSync(join(dir, `${name}.env`), lines.join(""), { mode: 0o600 });
  };
  const passwords = databases.map((name) => [`${name.toUpperCase()}_PASSWORD`, passwordOf(secrets, name)]);
  write("postgres", { POSTGRES_PASSWORD: secrets.postgresPassword, ...Object.fromEntries(passwords) });
  for (const app of apps) {
    const { api, app: own } = secrets.tokens[app]!;
    write(`${app}-tokens`, { APP_API_TOKEN: own, DAPR_API_TOKEN: api });
    write(`${app}-sidecar`, sidecarSecrets(secrets, app, server));
  }
}

/** The Secrets that deploy/kubernetes refers to, as YAML. */
export function manifests(secrets: Secrets, apps: string[], server: Server): string {
  const named: Record<string, Values> = {
    postgres: { password: secrets.postgresPassword },
    "user-jwt-keys": { keys: secrets.userJwtKeys },
  };
  for (const name of databases)
    named[`${name}-database`] = { url: urlOf(secrets, name, server), password: passwordOf(secrets, name) };
  for (const app of apps) {
    const { api, app: own } = secrets.tokens[app]!;
    named[`${app}-api-token`] = { token: api };
    named[`${app}-app-token`] = { token: own };
  }
  const secret = (name: string, stringData: Values) =>
    stringify({ apiVersion: "v1", kind: "Secret", metadata: { name }, stringData }, { lineWidth: 0 });
  return Object.entries(named)
    .map(([name, values]) => secret(name, values))
    .join("---\n");
}
