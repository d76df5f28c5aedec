import { settings } from "../contracts/settings.js";
import { filledIn, table } from "./tables.js";

/** docs/configuration.md with its table of settings as contracts/settings.ts has them. */
export function withSettings(page: string): string {
  const rows = Object.entries(settings).map(([key, { is, form, otherwise }]) =>
    [`\`${key}\``, `\`${otherwise}\``, form, is].map((cell) => cell.replaceAll("|", "\\|")),
  );
  return filledIn(page, "settings", table(["setting", "default", "is", "what"], rows));
}
