import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { documents } from "./documents.js";
import { help } from "./say.js";

const usage =
  "npm run docs    write openapi.json, asyncapi.json, the tables of API, settings and metrics, and who may ask whom in a cluster";

export function run(args: string[]): void {
  help(args, usage);
  for (const [path, content] of Object.entries(documents)) {
    const present = existsSync(path) ? readFileSync(path, "utf8") : "";
    const right = content(present);
    mkdirSync(dirname(path), { recursive: true });
    if (right !== present) writeFileSync(path, right);
    console.log(`${path}: ${right === present ? "was up to date" : "written"}`);
  }
}
