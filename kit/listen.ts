import { readFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type App, problemOf } from "./http.js";
import type { Logger } from "./log.js";

/** Who is at the other end: our own sidecar, or anybody at all. */
export type Exposure = "sidecar" | "public";

const exposures = {
  // daprd keeps idle connections for 90 s and Node would close them after 5: the request that hits the gap fails and its
  // message waits for redelivery. So Node must be the one that waits longer.
  sidecar: { keepAlive: 120_000, headers: 60_000, request: 120_000, silence: 0, check: 10_000 },
  // Load balancers keep theirs for 60 s. Whoever sends a request by the drop, or does not read its answer, is let go.
  public: { keepAlive: 65_000, headers: 10_000, request: 30_000, silence: 60_000, check: 1_000 },
};

/** Listens, with limits to what a connection may cost; what is no request at all is answered as a problem too. */
export function listen(
  { koa, router, log }: App,
  port: number,
  host: string,
  exposure: Exposure = "sidecar",
): Promise<Server> {
  koa.use(router.routes()).use(router.allowedMethods());
  const { keepAlive, headers, request, silence, check } = exposures[exposure];
  const server = createServer(
    {
      keepAliveTimeout: keepAlive,
      headersTimeout: headers,
      requestTimeout: request,
      connectionsCheckingInterval: check,
      // It is asked for where it can be answered (http.ts).
      requireHostHeader: false,
    },
    koa.callback(),
  );
  server.setTimeout(silence);
  if (exposure === "public") server.maxConnections = mostConnections();
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => refuse(log, socket, error.code));
  server.on("connect", (_, socket) => refuse(log, socket, "CONNECT"));
  server.on("checkExpectation", (_, response: ServerResponse) => {
    const reason = "expect 100-continue or nothing";
    log.info({ status: 417, reason }, "no request");
    const text = problemOf(417, reason);
    const headers = { "content-type": "application/problem+json", "content-length": Buffer.byteLength(text) };
    response.writeHead(417, { ...headers, connection: "close" }).end(text);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve(server));
  });
}

const refusals: Record<string, [status: number, detail: string]> = {
  HPE_HEADER_OVERFLOW: [431, "URL and headers together may have 16384 bytes"],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "the request did not come in time"],
  CONNECT: [405, "this is no proxy"],
};
/** For a client that is still sending: a connection that is reset takes the answer with it. */
const patience = 1_000;

function refuse(log: Logger, socket: Duplex & { _httpMessage?: ServerResponse | null }, code = ""): void {
  if (socket.writableEnded) return;
  // Opened in reserve, and never asked anything: an answer might be taken for that of a request just on its way.
  if (code === "ERR_HTTP_REQUEST_TIMEOUT" && (socket as Socket).bytesRead === 0) {
    socket.end();
    setTimeout(() => socket.destroy(), patience).unref();
    return;
  }
  if (code === "ECONNRESET" || !socket.writable || socket._httpMessage?.headersSent) {
    socket.destroy();
    return;
  }
  const [status, detail] = refusals[code] ?? [400, "this is no HTTP request"];
  log.info({ status, reason: detail }, "no request");
  const text = problemOf(status, detail);
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      "content-type: application/problem+json",
      `content-length: ${Buffer.byteLength(text)}`,
      "connection: close",
      "",
      text,
    ].join("\r\n"),
  );
  setTimeout(() => socket.destroy(), patience).unref();
}

/**
 * Every request needs a second file, towards the sidecar: with half of what the process may open no request that was let
 * in fails for want of one. Further connections are closed at once.
 */
function mostConnections(): number {
  const most = 20_000;
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft ? Math.min(most, Math.max(16, Math.floor((Number(soft) - 100) / 2))) : most;
  } catch {
    return most;
  }
}
