import { readdirSync, readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { importJWK, type JWK, SignJWT } from "jose";
import { processes, url } from "./system.js";

// Clients that are not polite: bytes instead of requests, connections without end, thousands of streams.

const gateway = new URL(url);

/** Sends these bytes and gives what came back until the gateway closed, or for so many seconds. */
export function bytes(text: string | Buffer, port = Number(gateway.port), seconds = 10) {
  return new Promise<{ status: number; type: string; body: string; closed: boolean }>((done) => {
    let answer = "";
    const socket = connect(port, gateway.hostname, () => socket.write(text));
    const end = (closed: boolean) => {
      clearTimeout(patience);
      socket.destroy();
      const [head = "", body = ""] = answer.split(/\r\n\r\n/s);
      const type = /^content-type: (.*)$/im.exec(head)?.[1] ?? "";
      done({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? 0), type, body, closed });
    };
    const patience = setTimeout(() => end(false), seconds * 1000);
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.once("error", () => end(true));
    socket.once("close", () => end(true));
  });
}

export const request = (line: string, headers: string[] = [], body = "") =>
  [`${line} HTTP/1.1`, "host: orders.example", "connection: close", ...headers, "", body].join("\r\n");

/** A connection that sends a part every second; how it ended, and after how many seconds. */
export function drip(first: string, part: string) {
  return new Promise<{ status: number; seconds: number }>((done) => {
    const began = Date.now();
    let answer = "";
    const socket: Socket = connect(Number(gateway.port), gateway.hostname, () => first && socket.write(first));
    const dripping = setInterval(() => part && socket.write(part), 1_000);
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.on("error", () => undefined);
    socket.once("close", () => {
      clearInterval(dripping);
      done({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0), seconds: (Date.now() - began) / 1000 });
    });
  });
}

/** Tokens as the user service signs them, for people who need no account: hashing 500 passwords takes minutes. */
export async function signer() {
  const secrets = JSON.parse(readFileSync(join(process.env.E2E_DIR as string, "secrets.json"), "utf8"));
  const jwk = (JSON.parse(secrets.userJwtKeys) as { keys: (JWK & { kid: string })[] }).keys[0] as JWK & { kid: string };
  const key = await importJWK(jwk, "EdDSA");
  return () =>
    new SignJWT({ roles: ["staff"] })
      .setProtectedHeader({ alg: "EdDSA", kid: jwk.kid })
      .setSubject(crypto.randomUUID())
      .setIssuer("orders")
      .setAudience("orders-api")
      .setIssuedAt()
      .setExpirationTime("1h")
      .sign(key);
}

export type Stream = { status: number; retryAfter: string | undefined; text: () => string; close: () => void };

/** One stream of an order's events on a connection of its own; status 0 when there was no answer. */
export function openStream(token: string, orderId: string, port = Number(gateway.port)): Promise<Stream> {
  return new Promise((done) => {
    let text = "";
    const asked = httpRequest({
      ...{ host: gateway.hostname, port, path: `/orders/${orderId}/events`, agent: false },
      headers: { authorization: `Bearer ${token}`, accept: "text/event-stream" },
    });
    const close = () => asked.destroy();
    asked.once("error", () => done({ status: 0, retryAfter: undefined, text: () => text, close }));
    asked.once("response", (answer) => {
      answer.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("error", () => undefined);
      const { statusCode = 0, headers } = answer;
      done({ status: statusCode, retryAfter: headers["retry-after"], text: () => text, close });
    });
    asked.end();
  });
}

export async function pidOf(name: string): Promise<number> {
  return (await processes.processes()).find((one) => one.name === name)?.pid as number;
}
export const openFiles = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;
export const residentMb = (pid: number) =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
