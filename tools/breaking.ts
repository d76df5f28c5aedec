import { spawnSync } from "node:child_process";
import { asyncapi } from "../contracts/asyncapi.js";
import { openapi } from "../contracts/openapi.js";
import { version } from "../kit/version.js";
import { type AsyncApi, breaksOfApi, breaksOfEvents, mayBreak, type OpenApi } from "./breaks.js";
import { root } from "./instance.js";
import { help } from "./say.js";

const usage = `
npm run breaking    compare the API and the events with the last committed documents that differ

A break fails, unless the version in package.json grew with it: the major version, before 1.0 the minor one.
`;

export function run(args: string[]): void {
  help(args, usage);
  const api = check("docs/api/openapi.json", openapi(version), (old, young) =>
    breaksOfApi(old as OpenApi, young as OpenApi),
  );
  const events = check("docs/api/asyncapi.json", asyncapi(version), (old, young) =>
    breaksOfEvents(old as AsyncApi, young as AsyncApi),
  );
  process.exit(api && events ? 0 : 1);
}

type Document = { info: { version: string } };

function check(path: string, now: object, breaks: (old: Document, young: Document) => string[]) {
  const young = JSON.parse(JSON.stringify(now)) as Document;
  const before = lastDifferent(path, JSON.stringify(young));
  if (!before) {
    console.log(`${path}: nothing to compare: git knows no version of it that differs.`);
    return true;
  }
  const { old, commit } = before;
  const found = breaks(old, young);
  const allowed = mayBreak(old.info.version, version);
  const from = `${path}: ${version} compared with ${old.info.version} of ${commit.slice(0, 10)}`;
  if (found.length === 0) console.log(`${from}: nothing breaks.`);
  else console.log([`${from}: ${found.length} breaks`, ...found].join("\n  "));
  if (found.length > 0)
    console.log(
      allowed
        ? "The version grew with them, so they are announced."
        : "Take them back, or raise the version in package.json (before 1.0 the minor, later the major one) and run npm run docs.",
    );
  return found.length === 0 || allowed;
}

/** The newest committed version that says something else than `now`; undefined without one, or without git. */
function lastDifferent(path: string, now: string): { old: Document; commit: string } | undefined {
  for (const commit of git("log", "--format=%H", "--", path).split("\n").filter(Boolean)) {
    const text = git("show", `${commit}:${path}`);
    const old = text === "" ? undefined : (JSON.parse(text) as Document);
    if (old && JSON.stringify(old) !== now) return { old, commit };
  }
  return undefined;
}

const git = (...args: string[]): string => {
  const { status, stdout } = spawnSync("git", args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 });
  return status === 0 ? stdout : "";
};
