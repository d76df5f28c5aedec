import { type Key, readSetting, settings } from "../contracts/settings.js";
import { readSettings, type Server, saveSetting } from "./databases.js";
import { instanceOf } from "./instance.js";
import { supervisorOf } from "./pids.js";
import { serverOf } from "./postgres.js";
import { help, Refusal } from "./say.js";
import { secretsOf } from "./secrets.js";

const usage = `
npm run config                          every setting of the running system, its value and where that comes from
npm run config -- set <key> <value>     change one; every service follows within seconds, without a restart

  PORT_BASE, ORDERS_DATA, POSTGRES_URL   which one, when it was started with them
`;

export async function run(args: string[]): Promise<void> {
  help(args, usage);
  const [verb, key, value, ...rest] = args;
  if (verb !== undefined && (verb !== "set" || key === undefined || value === undefined || rest.length > 0))
    throw new Refusal(usage.trim());
  const text = key !== undefined && value !== undefined ? checked(key, value) : undefined;
  const server = running();
  if (text !== undefined) await saveSetting(server, key as Key, text);
  console.log(listOf(await readSettings(server)));
}

function running(): Server {
  const instance = instanceOf();
  if (!supervisorOf(instance.dir))
    throw new Refusal(`Nothing runs in ${instance.dir}: start it first with npm start, then look at its settings.`);
  return serverOf(instance, secretsOf(instance.dir).postgresPassword);
}

/** The text as it is to be stored: what no service would take is refused here. */
export function checked(key: string, text: string): string {
  if (!Object.hasOwn(settings, key))
    throw new Refusal(`There is no setting ${key}: there are ${Object.keys(settings).join(", ")}.`);
  const setting = readSetting(key as Key, text);
  if ("wrong" in setting) throw new Refusal(`${setting.wrong}.`);
  return text;
}

/** One setting per paragraph: what counts, whether it was set, what it is, and what is wrong with it. */
export function listOf(stored: Record<string, string>): string {
  return (Object.keys(settings) as Key[])
    .map((key) => {
      const { is, form, otherwise } = settings[key];
      const setting = readSetting(key, stored[key]);
      const from = stored[key] === undefined ? "default" : "set";
      const wrong = "wrong" in setting ? `\n  WRONG: ${setting.wrong}; the services keep the last right value` : "";
      return `${key} = ${stored[key] ?? otherwise}   (${from})\n  ${is}: ${form}${wrong}`;
    })
    .join("\n\n");
}
