import type { ConsoleInfo } from "../contracts/console.js";
import { send } from "./api.js";
import { store } from "./store.js";

/** What this system offers; until it has said so, the least. */
export const info = store<ConsoleInfo>({ trace_url: null, demo: false, proof: false });

export async function learn(): Promise<void> {
  for (let wait = 500; ; wait = Math.min(wait * 2, 5_000)) {
    try {
      info.set((await send("GET /console.json")) as ConsoleInfo);
      return;
    } catch {
      await new Promise((resume) => setTimeout(resume, wait));
    }
  }
}
