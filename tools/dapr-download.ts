import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EnvHttpProxyAgent, fetch } from "undici";
import { CLI, RUNTIME, runtimePrograms } from "./dapr.js";
import { Refusal, type Say, ticking } from "./say.js";
import { run } from "./shell.js";

const answerMs = 5_000;
const proxies = new EnvHttpProxyAgent({ connectTimeout: answerMs });

/** A mirror of the release pages can be named by DAPR_RELEASES_URL. */
const releases = () => (process.env.DAPR_RELEASES_URL ?? "https://github.com/dapr").replace(/\/$/, "");
const architecture = process.arch === "x64" ? "amd64" : process.arch;

/** Downloads the runtime's release into `.dapr`'s shape; false when no release can be reached. */
export async function downloadRuntime(into: string, say: Say): Promise<boolean> {
  const bin = join(into, "bin");
  mkdirSync(bin);
  for (const name of runtimePrograms) {
    if (!(await download(`dapr/releases/download/v${RUNTIME}`, name, bin, say))) return false;
  }
  return true;
}

export function downloadCli(into: string, say: Say): Promise<boolean> {
  return download(`cli/releases/download/v${CLI}`, "dapr", into, say);
}

async function download(release: string, program: string, into: string, say: Say): Promise<boolean> {
  const archive = `${program}_${process.platform}_${architecture}.tar.gz`;
  const url = `${releases()}/${release}/${archive}`;
  const expected = await published(`${url}.sha256`, say);
  if (!expected) return false;
  const bytes = await body(url, program, say);
  if (!bytes) return false;
  if (createHash("sha256").update(bytes).digest("hex") !== expected) {
    throw new Refusal(
      `The download of ${url} does not match its published checksum: nothing was installed, run this again.`,
    );
  }
  const path = join(into, archive);
  writeFileSync(path, bytes);
  const { code, output } = await run("tar", ["-xzf", path, "-C", into, program]);
  if (code !== 0) throw new Refusal(`${archive} could not be unpacked: ${output.trim()}`);
  await run("rm", [path]);
  chmodSync(join(into, program), 0o755);
  return true;
}

async function published(url: string, say: Say): Promise<string | undefined> {
  try {
    const response = await fetch(url, { dispatcher: proxies, signal: AbortSignal.timeout(answerMs) });
    if (response.ok) return /^[0-9a-f]{64}/.exec(await response.text())?.[0];
    say(`  no release there: ${url} answers ${response.status}`);
  } catch {
    say(`  no release can be downloaded: ${new URL(url).host} does not answer`);
  }
  return undefined;
}

async function body(url: string, program: string, say: Say): Promise<Buffer | undefined> {
  const megabytes = (size: number) => Math.round(size / 1e6);
  let received = 0;
  const tick = ticking(say, () => `downloading ${program}: ${megabytes(received)} MB`);
  try {
    const response = await fetch(url, { dispatcher: proxies });
    if (!response.ok || !response.body) return undefined;
    const chunks: Uint8Array[] = [];
    for await (const chunk of response.body) {
      chunks.push(chunk);
      received += chunk.length;
    }
    say(`  downloaded ${program} (${megabytes(received)} MB)`);
    return Buffer.concat(chunks);
  } catch {
    say(`  the download of ${program} broke off`);
    return undefined;
  } finally {
    tick();
  }
}
