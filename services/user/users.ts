import { Unavailable } from "../../kit/problem.js";
import { type Store, untilStored } from "../../kit/state.js";
import { type Account, normal } from "./user.js";

export type Users = ReturnType<typeof users>;

/** Accounts by id, and the id by address: both rows in one transaction, so that an address is taken once. */
export function users(store: Store) {
  const byId = (id: string) => `user:${id}`;
  const byEmail = (email: string) => `email:${normal(email)}`;

  async function get(id: string): Promise<Account | undefined> {
    return (await store.get<Account>(byId(id))).value;
  }

  return {
    get,

    /** Those of the ids that are accounts. */
    async getMany(ids: string[]): Promise<Account[]> {
      const found = await store.getMany<Account>(ids.map(byId), () => true);
      return [...found.values()].flatMap(({ value }) => (value ? [value] : []));
    },

    async find(email: string): Promise<Account | undefined> {
      const { value } = await store.get<{ user_id: string }>(byEmail(email));
      return value ? get(value.user_id) : undefined;
    },

    /** False when the address is taken. */
    async add(account: Account): Promise<boolean> {
      for (let tries = 0; tries < 5; tries++) {
        const owner = (await store.get<{ user_id: string }>(byEmail(account.email))).value;
        if (owner) return owner.user_id === account.id;
        const rows = [
          { key: byEmail(account.email), value: { user_id: account.id }, insert: true },
          { key: byId(account.id), value: account, insert: true },
        ];
        if (await store.transact(rows)) return true;
      }
      throw new Unavailable("the state store");
    },

    /**
     * What the change made of the account; undefined when there is none. Another's write means: read and change again,
     * and so does a lost answer, so a change that is already there must be no reason to refuse.
     */
    change(id: string, change: (account: Account) => Account | Promise<Account>): Promise<Account | undefined> {
      return untilStored<Account | undefined>(async () => {
        const { value: account, etag } = await store.get<Account>(byId(id));
        if (!account) return { reply: undefined };
        const reply = await change(account);
        return (await store.transact([{ key: byId(id), value: reply, etag }])) ? { reply } : undefined;
      });
    },
  };
}
