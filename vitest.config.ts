import { createRequire } from "node:module";
import { defineConfig } from "vitest/config";

const skipped = ["**/node_modules/**", "dist/**", ".run*/**"];

const longer = [
  "abuse",
  "apiserver",
  "console",
  "drift",
  "failures",
  "histories",
  "kafka",
  "logs",
  "mail",
  "mtls",
  "observe",
  "polyglot",
  "replicas",
  "resiliency",
  "restore",
  "rolling",
  "step",
  "stranded",
  "together",
  "traces",
  "upgrade",
];

export default defineConfig({
  test: {
    projects: [
      {
        // The copy that Node finds; Vite would find the other one, and two copies do not know each other's types.
        resolve: { alias: { graphql: createRequire(import.meta.url).resolve("graphql") } },
        // Pure code has no state to keep apart, and what all import is read once.
        test: { name: "unit", include: ["**/*.test.ts"], exclude: [...skipped, "e2e/**"], isolate: false },
      },
      {
        test: {
          name: "e2e",
          include: ["e2e/**/*.test.ts"],
          exclude: skipped,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      // Each on a system of its own (e2e/suites.ts); drift and logs after others, on theirs.
      ...longer.map((name) => ({
        test: { name, include: [`e2e/${name}.ts`], exclude: skipped, testTimeout: 240_000, hookTimeout: 180_000 },
      })),
      {
        test: {
          name: "deploy",
          include: ["e2e/deploy-*.ts"],
          exclude: skipped,
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
      // The README's commands as they stand there, on the default ports.
      { test: { name: "readme", include: ["e2e/readme.ts"], exclude: skipped, testTimeout: 300_000, bail: 1 } },
    ],
    maxWorkers: "100%",
    // One system under test: two files at once would kill each other's processes.
    fileParallelism: process.env.E2E_URL === undefined,
  },
});
