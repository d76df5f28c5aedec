import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { suites } from "../e2e/suites.js";

// What outsiders read first: it must name what is there.

const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { encoding: "utf8" });
const pages = tracked.split("\n").filter((name) => name.endsWith(".md") && existsSync(name));
const { version, scripts } = JSON.parse(readFileSync("package.json", "utf8")) as {
  version: string;
  scripts: Record<string, string>;
};

test.each(pages)("%s links to what exists", (page) => {
  const links = [...readFileSync(page, "utf8").matchAll(/\]\(([^)\s]+)\)/g)].map(([, to]) => to as string);
  const files = links.filter((to) => !/^(https?:|#)/.test(to)).map((to) => to.split("#")[0] as string);
  expect(files.filter((to) => !existsSync(join(dirname(page), to)))).toEqual([]);
});

test("docs/README.md lists every page and every decision", () => {
  const listed = readFileSync("docs/README.md", "utf8");
  const own = pages.filter((page) => /^docs\/(\w[\w-]*|decisions\/.*)\.md$/.test(page) && page !== "docs/README.md");
  expect(own.filter((page) => !listed.includes(`](${page.slice("docs/".length)})`))).toEqual([]);
});

test.each(pages)("%s names commands that exist", (page) => {
  const text = readFileSync(page, "utf8");
  const run = [...text.matchAll(/npm run\s+(?:-s )?([\w:]+)|`(test:\w+)`/g)].map(([, one, other]) => one ?? other);
  expect(run.filter((name) => !(name && name in scripts))).toEqual([]);
  const asked = [...text.matchAll(/npm test -- (\w[\w-]*)/g)].map(([, part]) => part as string);
  expect(asked.filter((part) => !(part in suites) && !["unit", "check"].includes(part))).toEqual([]);
});

test("every suite that is asked for by name has its command, and CI plays it", () => {
  const ci = readFileSync(".ci/run", "utf8");
  const own = Object.entries(scripts).flatMap(([name, command]) => (/ test \w/.test(command) ? [name] : []));
  expect(own.filter((name) => !(name.slice("test:".length) in suites))).toEqual([]);
  expect(own.filter((name) => !new RegExp(`\\b${name.slice("test:".length)}\\b`).test(ci))).toEqual([]);
});

test("the version is what the changelog tells of first", () => {
  expect(/^## (.+)$/m.exec(readFileSync("CHANGELOG.md", "utf8"))?.[1]).toBe(version);
});

test("the workflow runs what every other machine runs, by actions that nobody can change", () => {
  const text = readFileSync(".github/workflows/ci.yml", "utf8");
  const { jobs } = parse(text) as { jobs: Record<string, { steps: { run?: string; uses?: string }[] }> };
  const steps = Object.values(jobs).flatMap((job) => job.steps);
  expect(steps.filter(({ run }) => run?.startsWith(".ci/run"))).toHaveLength(1);
  const used = steps.flatMap(({ uses }) => (uses ? [uses] : []));
  expect(used.filter((uses) => !/^[\w-]+\/[\w-]+@[\da-f]{40}$/.test(uses))).toEqual([]);
  expect(text.match(/uses: .+ # v\d+\.\d+\.\d+$/gm)).toHaveLength(used.length);
});

test("docs/configuration.md names every variable that a service reads, and no other", () => {
  const files = tracked.split("\n").filter((name) => /^(kit\/env|services\/[\w-]+\/main)\.ts$/.test(name));
  const namesIn = (text: string, form: RegExp) => [...new Set([...text.matchAll(form)].map(([, name]) => name))].sort();
  const read = files.map((name) => readFileSync(name, "utf8")).join("\n");
  const [, section] = readFileSync("docs/configuration.md", "utf8").split(/^## (?=Environment$)/m);
  const said = (section as string).split(/^## /m)[0] as string;
  expect(namesIn(said, /`([A-Z][A-Z_]{3,})`/g)).toEqual(namesIn(read, /\b([A-Z][A-Z_]{3,}): (?:z\.|flag)/g));
});
