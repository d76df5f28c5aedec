import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Refusal } from "./say.js";

/** True when something accepts connections on this local port. */
export function listening(port: number, timeoutMs = 500): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host: "127.0.0.1", port, timeout: timeoutMs });
    const end = (answer: boolean) => {
      socket.destroy();
      done(answer);
    };
    socket.once("connect", () => end(true));
    socket.once("timeout", () => end(false));
    socket.once("error", () => end(false));
  });
}

function free(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => done(true)));
  });
}

/**
 * A port that cannot be bound although nobody listens there is the near end of somebody's outgoing connection; after
 * its close the kernel keeps it for a minute. Dapr's own 50005 and 50006 lie where the kernel takes such ports from.
 */
async function freeSoon(port: number): Promise<boolean> {
  for (const end = Date.now() + 70_000; ; await sleep(500)) {
    if (await free(port)) return true;
    if ((await listening(port)) || Date.now() > end) return false;
  }
}

/** Above 1023; `fetch`, ours too, asks nothing of them. */
const barred = [
  ...[1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061],
  ...[6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080],
];

/** Refuses, naming the first barred or taken port and what wanted it. */
export async function checkPorts(wanted: Record<string, number>, portBase: number): Promise<void> {
  // Not 18080: `npm test` uses that one, and begins with fresh data.
  const elsewhere = portBase === 20080 ? 22080 : 20080;
  for (const [name, port] of Object.entries(wanted))
    if (barred.includes(port))
      throw new Refusal(
        `Port ${port}, wanted for ${name}, is one that browsers refuse: use other ports with PORT_BASE=${elsewhere} npm start.`,
      );
  const checks = Object.entries(wanted).map(async ([name, port]) => ({ name, port, free: await freeSoon(port) }));
  const taken = (await Promise.all(checks)).filter((check) => !check.free);
  const first = taken[0];
  if (!first) return;
  const others = taken.length > 1 ? ` (and ${taken.length - 1} more)` : "";
  throw new Refusal(
    `Port ${first.port}, wanted for ${first.name}, is taken by another program${others}: ` +
      `stop that program (npm stop, if it is this system), or use other ports with PORT_BASE=${elsewhere} npm start.`,
  );
}
