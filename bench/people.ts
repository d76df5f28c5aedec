import { type Client, createClient, must } from "../client/client.js";
import { demoAccounts } from "../contracts/demo.js";
import type { Status } from "../contracts/order.js";
import { tokenOf } from "../tools/demo-client.js";
import { pause } from "../tools/say.js";

export const password = process.env.DEMO_PASSWORD ?? "demo-password-1";
export const emails = { admin: demoAccounts[0].email, staff: demoAccounts[1].email, ada: demoAccounts[2].email };

const patienceMs = 60_000;

/** A demo account at the gateway. */
export async function signedIn(url: string, who: keyof typeof emails): Promise<Client> {
  return createClient({ url, token: await tokenOf(url, emails[who], password) });
}

/** Asks for an order until it has come to one of these. */
export async function until(who: Client, id: string, wanted: Status[], pauseMs: number): Promise<void> {
  for (const end = Date.now() + patienceMs; ; await pause(pauseMs)) {
    const { status } = await must(who.order({ params: { id } }));
    if (wanted.includes(status)) return;
    if (Date.now() > end) throw new Error(`still ${status} after ${patienceMs / 1000} s`);
  }
}
