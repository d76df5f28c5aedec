import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ensureDapr } from "../../tools/dapr.js";
import { infraPorts, instanceOf } from "../../tools/instance.js";
import { silent } from "../../tools/say.js";

// What someone on the same machine might try against a system with mTLS.

const dir = process.env.E2E_DIR as string;
const ports = infraPorts(instanceOf({ portBase: Number(new URL(process.env.E2E_URL as string).port), dir }));
const mtlsFile = (...path: string[]) => join(dir, "mtls", ...path);

const field = (n: number, bytes: Buffer | string) => {
  const value = Buffer.from(bytes);
  if (value.length > 127) throw new Error("longer than one byte tells");
  return Buffer.concat([Buffer.from([(n << 3) | 2, value.length]), value]);
};
const post = Buffer.from([(1 << 3) | 0, 3]);

/** What one sidecar says to another, as far as needed: an invocation (POST), or a call of an actor. */
export const invocation = (method: string, actor?: { type: string; id: string }): Buffer =>
  Buffer.concat([
    Buffer.from([1 << 3, 1]),
    field(3, Buffer.concat([field(1, method), field(4, post)])),
    ...(actor ? [field(4, Buffer.concat([field(1, actor.type), field(2, actor.id)]))] : []),
  ]);

type Tls = { cert?: Buffer; key?: Buffer };
/** Calls the port that sidecars keep for each other; without `tls` in plain text. Throws when no call comes about. */
export function callInternal(
  port: number,
  call: string,
  message: Buffer,
  tls?: Tls,
): Promise<{ code: number; message: string }> {
  return new Promise((resolve, reject) => {
    const session = connect(`${tls ? "https" : "http"}://127.0.0.1:${port}`, { ...tls, rejectUnauthorized: false });
    const failed = (error: Error) => {
      session.destroy();
      reject(error);
    };
    session.once("error", failed);
    session.once("close", () => reject(new Error("the connection was closed")));
    const stream = session.request({
      ":method": "POST",
      ":path": `/dapr.proto.internals.v1.ServiceInvocation/${call}`,
      "content-type": "application/grpc",
      te: "trailers",
    });
    const read = (headers: Record<string, unknown>) => {
      if (headers["grpc-status"] === undefined) return;
      resolve({
        code: Number(headers["grpc-status"]),
        message: decodeURIComponent(`${headers["grpc-message"] ?? ""}`),
      });
      session.close();
    };
    stream.on("response", read).on("trailers", read).once("error", failed).resume();
    const length = Buffer.alloc(5);
    length.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([length, message]));
  });
}

/** The scheduler's certificate: of the same authority, and none of an app. */
export const schedulersIdentity = (): Tls => ({
  cert: readFileSync(mtlsFile("scheduler", "cert.pem")),
  key: readFileSync(mtlsFile("scheduler", "key.pem")),
});

/**
 * Starts a sidecar that says it is `app`, with a token for sentry if there is one, or without mTLS, and lets `ask` ask it
 * something when it serves. It has a copy of the addresses, so that nobody is sent to it.
 */
export async function stray<T>(
  app: string,
  { mtls, token }: { mtls: boolean; token?: string },
  ask: (url: string) => Promise<T>,
) {
  const { daprd } = await ensureDapr({ say: silent });
  const folder = mkdtempSync(join(tmpdir(), "stray-"));
  copyFileSync(join(dir, "names.db"), join(folder, "names.db"));
  const config = readFileSync(mtlsFile(`${app}.yaml`), "utf8").replace(join(dir, "names.db"), join(folder, "names.db"));
  writeFileSync(join(folder, "config.yaml"), config);
  const http = ports.sentry + 20;
  const flags = {
    ...{ "app-id": app, "dapr-http-port": http, "dapr-grpc-port": http + 1, "dapr-internal-grpc-port": http + 2 },
    ...{ "metrics-port": http + 3, "dapr-listen-addresses": "127.0.0.1", config: join(folder, "config.yaml") },
    "placement-host-address": `127.0.0.1:${ports.placement}`,
    "scheduler-host-address": `127.0.0.1:${ports.scheduler}`,
    ...(mtls && { "enable-mtls": true, "sentry-address": `127.0.0.1:${ports.sentry}` }),
  };
  const identity = {
    DAPR_TRUST_ANCHORS: readFileSync(mtlsFile("authority", "ca.crt"), "utf8"),
    NAMESPACE: "default",
    ...(token && { DAPR_SENTRY_TOKEN_FILE: mtlsFile(token) }),
  };
  const child = spawn(
    daprd,
    Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
    {
      env: { PATH: process.env.PATH, DAPR_HOST_IP: "127.0.0.1", ...(mtls && identity) },
    },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      output += chunk;
    });
  try {
    const url = `http://127.0.0.1:${http}`;
    for (const end = Date.now() + 30_000; Date.now() < end && child.exitCode === null; await sleep(200)) {
      const serves = await fetch(`${url}/v1.0/healthz/outbound`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (serves) return { served: true, found: await ask(url), output };
    }
    return { served: false, output };
  } finally {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  }
}
