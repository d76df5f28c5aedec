import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { portOf, root } from "../tools/instance.js";
import { listening } from "../tools/ports.js";
import { buildNatively, type Dockerfile, type Image } from "./support/dockerfile.js";
import { appIds, apps, type Compose, compose, dockerfile, rendered } from "./support/rendered.js";

let folder: string;
let file: Dockerfile;
let images: Record<string, Image>;
let composed: Compose;
const image = (name: string) => images[name] as Image;
/** Who may change owners starts services as the image's own account; for others its files are read-only as well. */
const isRoot = process.getuid?.() === 0;
const port = portOf(process.env.PORT_BASE, 18080) + 700;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "orders-image-"));
  chmodSync(folder, 0o755);
  file = await dockerfile();
  images = buildNatively(file, folder);
  composed = (await compose([])).project;
  for (const name of ["platform", "provider"]) spawnSync("chmod", ["-R", "a+rX,a-w", image(name).root]);
});
afterAll(() => {
  spawnSync("chmod", ["-R", "u+w", folder]);
  rmSync(folder, { recursive: true });
});

function filesIn(top: string): { path: string; size: number }[] {
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: relative(top, path), size: statSync(path).size }));
}

/** A process of the image: its folder, its account, and no environment but the image's and what it is given. */
function start({ root: top, workdir, env, user = "0" }: Image, command: string[], given: Record<string, string>) {
  const [program, ...args] = command as [string, ...string[]];
  const account = isRoot ? { uid: Number(user.split(":")[0]), gid: Number(user.split(":")[1]) } : {};
  const child = spawn(program === "node" ? process.execPath : program, args, {
    cwd: join(top, workdir),
    env: { PATH: process.env.PATH, ...env, ...given },
    stdio: ["ignore", "pipe", "pipe"],
    ...account,
  });
  const process_ = { said: "", code: undefined as number | null | undefined };
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (process_.said += text));
  const ended = new Promise<void>((done) =>
    child.once("close", (code) => {
      process_.code = code;
      done();
    }),
  );
  return Object.assign(process_, { ended, kill: (signal: NodeJS.Signals) => child.kill(signal) });
}

type Process = ReturnType<typeof start>;

async function healthy(process_: Process, at: number): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(100)) {
    if (process_.code !== undefined) break;
    if (!(await listening(at))) continue;
    const { status } = await fetch(`http://127.0.0.1:${at}/healthz`);
    if (status === 200) return;
  }
  throw new Error(`it does not answer, and said: ${process_.said}`);
}

test("BuildKit has no warning", () => {
  expect(file.Warnings).toEqual([]);
});

test("bases have versions, an image's account is a number and is not root", () => {
  const ours = file.Stages.map(({ Name }) => Name);
  for (const { BaseName } of file.Stages)
    if (!ours.includes(BaseName)) expect(BaseName).toMatch(/^node:\$\{NODE_VERSION\}-bookworm-slim$/);
  expect(readFileSync(join(root, "Dockerfile"), "utf8")).toMatch(/^ARG NODE_VERSION=\d+\.\d+\.\d+$/m);
  for (const name of ["platform", "provider"]) expect(image(name).user).toMatch(/^[1-9]\d+:[1-9]\d+$/);
});

test("what is sent to a build is what the images are made of: no test, no secret, nothing that was built here", () => {
  expect(
    file.Context.filter((name) => /\.test\.|(^|\/)\.|node_modules|^(dist|e2e|docs|bench|chaos)\//.test(name)),
  ).toEqual([]);
});

const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as Lock;
type Lock = { packages: Record<string, { dev?: boolean }> };
const forTools = Object.keys(packages).filter((path) => packages[path]?.dev);

test("an image holds what runs, and nothing else", () => {
  for (const name of ["platform", "provider"]) {
    const files = filesIn(image(name).root);
    const size = Math.round(files.reduce((sum, one) => sum + one.size, 0) / 1e6);
    console.log(`${name}: ${files.length} files, ${size} MB on top of its base`);
    expect(size).toBeLessThan(100);
    const own = files.map(({ path }) => path).filter((path) => !path.startsWith("app/node_modules/"));
    const folders = [...new Set(own.map((path) => path.split("/").slice(0, 3).join("/")))].sort();
    const parts = ["client", "contracts", "kit", "services", "web"].map((part) => `app/dist/${part}`);
    expect(folders).toEqual([...(name === "platform" ? parts : ["app/dist/tools"]), "app/package.json"]);
    expect(own.filter((path) => /\.test\.|\.tsx?$|\.map$|(^|\/)\./.test(path))).toEqual([]);
    const modules = join(image(name).root, "app");
    for (const path of forTools) expect(existsSync(join(modules, path)), path).toBe(false);
  }
});

type Reference = { configMapKeyRef?: { name: string; key: string } };
type EnvVar = { name: string; value?: string; valueFrom?: Reference };

/** What a pod tells its app, and Dapr's injector adds; a secret is any text. */
async function toldInPod(app: string, overlay: string): Promise<Record<string, string>> {
  const manifests = await rendered(overlay);
  const { spec } = manifests.find(({ kind, metadata }) => kind === "Deployment" && metadata.name === app)!;
  const referred = ({ configMapKeyRef: ref }: Reference) =>
    ref ? manifests.find(({ metadata }) => metadata.name === ref.name)?.data?.[ref.key] : "a-secret-token";
  const env = spec.template.spec.containers[0].env.map(({ name, value, valueFrom }: EnvVar) => [
    name,
    value ?? (valueFrom && referred(valueFrom)),
  ]);
  return { ...Object.fromEntries(env), DAPR_HTTP_PORT: "3500", DAPR_GRPC_PORT: "50001" };
}

async function toldInCompose(app: string): Promise<Record<string, string>> {
  const given = Object.entries(composed.services[`${app}-app`]?.environment ?? {});
  return Object.fromEntries(given.filter((entry): entry is [string, string] => entry[1] !== null));
}

/** Starts the app on free ports, told what it is told there; looks at it, and ends it. */
async function live(command: string[], told: Record<string, string>, at: number): Promise<void> {
  const here = { APP_PORT: String(at), METRICS_PORT: String(at + 1), DAPR_HTTP_PORT: "9", HOST: "127.0.0.1" };
  expect(Object.keys(told)).toEqual(expect.arrayContaining(Object.keys(here)));
  const service = start(image("platform"), command, { ...told, ...here });
  await healthy(service, at);
  const checked = start(image("platform"), image("platform").health.slice(1), { ...told, ...here });
  await checked.ended;
  expect(checked.code, "alive, and without its sidecar not ready").toBe(1);
  service.kill("SIGTERM");
  await service.ended;
  expect(service.code, service.said).toBe(0);
  expect(service.said).not.toContain(told.APP_API_TOKEN);
}

test.each(apps)(
  "$appID starts as its own account on files it cannot write, told what containers tell it, and ends when asked",
  async ({ appID, command }) => {
    const at = port + appIds.indexOf(appID) * 4;
    const [first, second] = await Promise.all([toldInCompose(appID), toldInPod(appID, "production")]);
    await Promise.all([live(command, first, at), live(command, second, at + 2)]);
  },
);

test("a service that is not told what it must know says what is missing", async () => {
  const told = composed.services["payment-app"]?.environment as Record<string, string>;
  const { PROVIDER_URL: _, APP_PORT: __, OTEL_EXPORTER_OTLP_ENDPOINT: ___, ...rest } = told;
  const payment = start(image("platform"), ["node", "dist/services/payment/main.js"], rest);
  await payment.ended;
  expect(payment.code).toBe(1);
  expect(payment.said).toMatch(/APP_PORT.*PROVIDER_URL/s);
});

const programs = readFileSync(join(root, "docs/deploy.md"), "utf8").matchAll(/ (node dist\/\S+\.js)/g);

test.each([...programs].map(([, command]) => command as string))(
  "%s, which docs/deploy.md has a container run, is in the image",
  async (command) => {
    const program = start(image("platform"), [...command.split(" "), "ada@orders.local"], {});
    await program.ended;
    expect(program.said).toMatch(/DAPR_HTTP_PORT .*set/);
  },
);

test("the payment provider serves as its own account and keeps its ledger where the image lets it", async () => {
  const provider = image("provider");
  const data = join(provider.root, provider.env.DATA_DIR!);
  spawnSync("chmod", ["u+w", data]);
  if (isRoot) spawnSync("chown", [provider.user!, data]);
  const env = { PORT: String(port + 40), HOST: "127.0.0.1", DATA_DIR: data };
  const service = start(provider, provider.command, env);
  await healthy(service, port + 40);
  const checked = start(provider, provider.health.slice(1), env);
  await checked.ended;
  expect(checked.code).toBe(0);
  service.kill("SIGTERM");
  await service.ended;
  expect(readdirSync(data)).toEqual(["ledger.jsonl"]);
});

test("what the platform's image starts by itself is the gateway", () => {
  expect(image("platform").command).toEqual(apps.find(({ appID }) => appID === "api-gateway")?.command);
});
