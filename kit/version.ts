import { readFileSync } from "node:fs";

/** The platform's version. Every program of it starts in the folder where package.json lies. */
export const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
