import { z } from "zod";
import { demoAccounts, demoPassword } from "../../contracts/demo.js";
import { authenticator } from "../../kit/auth.js";
import { environment, flag } from "../../kit/env.js";
import { Unavailable } from "../../kit/problem.js";
import { service } from "../../kit/service.js";
import { settings } from "../../kit/settings.js";
import { stateStore } from "../../kit/state.js";
import { routes } from "./app.js";
import { hashPassword } from "./password.js";
import { readTokens, type Tokens } from "./tokens.js";
import { newAccount } from "./user.js";
import { users } from "./users.js";

const env = environment({ SEED_DEMO: flag, DEMO_PASSWORD: z.string().min(8).default(demoPassword) });

await service("user", env, ({ app, dapr, log }) => {
  const live = settings(dapr, log, []);
  const accounts = users(stateStore(dapr, "user"));
  let tokens: Tokens | undefined;
  routes(app, {
    users: accounts,
    authenticate: authenticator(env),
    tokens: () => {
      if (!tokens) throw new Unavailable("the signing keys");
      return tokens;
    },
  });
  return {
    async prepare() {
      await live.start();
      tokens = await readTokens(dapr);
      if (env.SEED_DEMO) await seed();
    },
    async stop() {
      live.stop();
    },
  };

  async function seed(): Promise<void> {
    const now = new Date().toISOString();
    for (const { id, roles, ...person } of demoAccounts) {
      if (await accounts.get(id)) continue;
      await accounts.add(newAccount(person, id, await hashPassword(env.DEMO_PASSWORD), now, [...roles]));
    }
  }
});
