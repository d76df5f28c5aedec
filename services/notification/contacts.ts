import { type Contact, UsersAnswer } from "../../contracts/user.js";
import type { Dapr } from "../../kit/dapr.js";

const fresh = 10_000;
const most = 1_000;

export type Contacts = (userId: string) => Promise<Contact | undefined>;

/** Who a customer is, at most 10 s old; undefined when the user service knows no such account. */
export function contacts(dapr: Dapr): Contacts {
  const known = new Map<string, { contact: Contact; until: number }>();
  return async (userId) => {
    const found = known.get(userId);
    if (found && found.until > Date.now()) return found.contact;
    const { users } = UsersAnswer.parse(await dapr.ask("user", "/rpc/users", { user_ids: [userId] }));
    const [contact] = users;
    if (known.size >= most) known.clear();
    if (contact) known.set(userId, { contact, until: Date.now() + fresh });
    return contact;
  };
}
