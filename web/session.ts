import type { User } from "../contracts/user.js";
import { ask, askAs } from "./api.js";
import { kept, store } from "./store.js";

type Session = { token: string; user: User };

/** Who is signed in in this tab. */
export const session = kept<Session | null>(sessionStorage, "session", null);
/** Whether the dialog is open, and why. */
export const door = store<{ open: boolean; reason: string }>({ open: false, reason: "" });

export const isCustomer = (who: Session | null) => who?.user.roles.includes("customer") ?? false;
export const isAdmin = (who: Session | null) => who?.user.roles.includes("admin") ?? false;
export const isStaff = (who: Session | null) => isAdmin(who) || (who?.user.roles.includes("staff") ?? false);

export const askToSignIn = (reason = "") => door.set({ open: true, reason });

export async function signIn(email: string, password: string): Promise<void> {
  const { access_token: token } = await ask("POST /auth/token", { body: { email, password } });
  session.set({ token, user: await askAs(token, "GET /users/me") });
  door.set({ open: false, reason: "" });
}

export const signOut = () => session.set(null);

/** The token is not taken any more. The basket and whatever was typed stay where they are. */
export function ended(token: string | undefined): void {
  if (!token || token !== session.get()?.token) return;
  session.set(null);
  askToSignIn("Your session has ended.");
}
