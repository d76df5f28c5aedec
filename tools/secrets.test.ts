import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { changeKeys, secretsOf, signingKey, tokensOf } from "./secrets.js";

let dir: string;
const file = () => join(dir, "secrets.json");
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "secrets-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

test("are made once, differ for every app and are their owner's only", () => {
  const made = secretsOf(dir, ["order", "user"]);
  expect(secretsOf(dir, ["order", "user"])).toEqual(made);
  expect(new Set(Object.values(made.tokens).flatMap(({ api, app }) => [api, app])).size).toBe(4);
  expect(tokensOf(dir, "user")).toEqual(made.tokens.user);
  expect(statSync(file()).mode & 0o777).toBe(0o600);
});

test("what an older version did not know is added, the rest stays", () => {
  const old = { postgresPassword: "p", userJwtKeys: '{"keys":[]}' };
  writeFileSync(file(), JSON.stringify(old));
  expect(() => tokensOf(dir, "order")).toThrow("npm start");
  const { tokens } = secretsOf(dir, ["order"]);
  expect(secretsOf(dir, ["order", "user"])).toMatchObject({ ...old, tokens });
});

test("a changed set of keys is what the next start finds", () => {
  const [first] = changeKeys(dir, (keys) => keys);
  const [second] = changeKeys(dir, (keys) => [signingKey(), ...keys]);
  expect(JSON.parse(secretsOf(dir).userJwtKeys)).toEqual({ keys: [second, first] });
  expect(readFileSync(file(), "utf8")).toContain(second?.kid);
});
