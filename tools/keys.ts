import { control } from "./control.js";
import { instanceOf } from "./instance.js";
import { supervisorOf } from "./pids.js";
import { help, Refusal } from "./say.js";
import { changeKeys, type SigningKey, signingKey, tokensOf } from "./secrets.js";

const usage = `
npm run keys                the keys of access tokens; the first signs, all are published and hold
npm run keys -- rotate      add a new key, which signs from now on; tokens of the old ones still hold
npm run keys -- retire      keep the key that signs only: tokens of the others are refused within 11 minutes. An hour
                            after rotate there are none left; at once it is the answer to a stolen key

  PORT_BASE, ORDERS_DATA    which system, when it was started with them; one that runs follows at once
`;

const changes: Record<string, (keys: SigningKey[]) => SigningKey[]> = {
  rotate: (keys) => [signingKey(), ...keys],
  retire: ([signs]) => (signs ? [signs] : []),
};

export async function run(args: string[]): Promise<void> {
  help(args, usage);
  const [verb, ...rest] = args;
  const change = verb === undefined ? (keys: SigningKey[]) => keys : changes[verb];
  if (!change || rest.length > 0) throw new Refusal(usage.trim());
  const { dir } = instanceOf();
  // Refuses where nothing was ever started.
  tokensOf(dir, "user");
  const keys = changeKeys(dir, change);
  if (verb && supervisorOf(dir)) await follow(dir);
  console.log(keys.map(({ kid }, n) => `${kid}   ${n === 0 ? "signs" : "holds"}`).join("\n"));
}

/** Every replica of the user service reads its keys when it starts, from its sidecar, which gets them when it starts. */
async function follow(dir: string): Promise<void> {
  const { processes, restart } = control(dir);
  const names = (await processes()).map(({ name }) => name);
  for (const app of names.filter((name) => /^user(-\d)?$/.test(name))) {
    await restart(`${app}-daprd`);
    await restart(app);
  }
}
