import { mkdir } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { pino } from "pino";
import { z } from "zod";
import { providerApp } from "./app.js";
import { Entry, emptyBook, enter } from "./book.js";
import { openJournal } from "./journal.js";

const env = z
  .object({
    HOST: z.string().default("127.0.0.1"),
    PORT: z.coerce.number().int().default(8090),
    DATA_DIR: z.string().min(1),
    TIMEOUT_MS: z.coerce.number().int().nonnegative().default(5000),
    LOG_LEVEL: z.string().default("info"),
  })
  .parse(process.env);
const log = pino({ name: "payment-provider", level: env.LOG_LEVEL });

await mkdir(env.DATA_DIR, { recursive: true });
const book = emptyBook();
const journal = await openJournal<Entry>(join(env.DATA_DIR, "ledger.jsonl"), (line) => enter(book, Entry.parse(line)));
const app = providerApp({ book, journal, timeoutMs: env.TIMEOUT_MS, log });

const server = createServer(app.callback());
// Longer than any client keeps an idle socket, so that no request meets a closing one.
server.keepAliveTimeout = 75_000;
server.listen(env.PORT, env.HOST, () => log.info({ port: env.PORT, charges: book.charges.size }, "listening"));

async function stop() {
  server.close();
  server.closeAllConnections();
  await journal.close();
  process.exit(0);
}
process.once("SIGTERM", () => void stop());
process.once("SIGINT", () => void stop());
