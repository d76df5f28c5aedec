import { Refusal } from "./say.js";

/** The mail server as components/smtp.yaml wants it named; nothing when there is none. */
export function mailSettings(env: NodeJS.ProcessEnv): Record<string, string> {
  const { SMTP_HOST, SMTP_PORT = "587", SMTP_FROM, SMTP_USER = "", SMTP_PASSWORD = "" } = env;
  if (!SMTP_HOST) return {};
  if (!SMTP_FROM) throw new Refusal("SMTP_HOST is set, SMTP_FROM is not: add the sender, SMTP_FROM=shop@example.com.");
  if (!/^\d{1,5}$/.test(SMTP_PORT)) throw new Refusal(`SMTP_PORT=${SMTP_PORT} is no port: use for example 587.`);
  if (!SMTP_USER !== !SMTP_PASSWORD) throw new Refusal("SMTP_USER and SMTP_PASSWORD go together: set both or neither.");
  return { SMTP_HOST, SMTP_PORT, SMTP_FROM, ...(SMTP_USER && { SMTP_USER, SMTP_PASSWORD }) };
}
