import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { Unavailable } from "../../kit/problem.js";

const derive = promisify<string, Buffer, number, object, Buffer>(scrypt);
/** 32 MB and three rounds per guess: of the sets that OWASP names as equally strong, one that fits small machines. */
const cost = { N: 2 ** 15, r: 8, p: 3 };
/** Enough for hashes of any set that was ever used here. */
const maxmem = 256 * 1024 * 1024;

/** So many at a time: a flood of sign-ins takes 64 MB and half of Node's worker threads, not more. */
const most = 2;
/** Of those who wait, the last waits some seconds; whoever comes then is told to come again. */
const queue = 50;
let running = 0;
const waiting: (() => void)[] = [];

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (waiting.length >= queue) throw new Unavailable("a free place to check passwords");
  // Whoever ends hands its place on.
  if (running === most) await new Promise<void>((resume) => waiting.push(resume));
  else running++;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
}

/** "scrypt$N$r$p$salt$hash", so that parameters can change without locking anyone out. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await inTurn(() => derive(password, salt, 32, { ...cost, maxmem }));
  return ["scrypt", cost.N, cost.r, cost.p, salt.toString("base64url"), hash.toString("base64url")].join("$");
}

export async function isPassword(password: string, stored: string): Promise<boolean> {
  const [, N, r, p, salt, hash] = stored.split("$");
  const right = Buffer.from(hash as string, "base64url");
  const parameters = { N: Number(N), r: Number(r), p: Number(p), maxmem };
  const of = Buffer.from(salt as string, "base64url");
  const given = await inTurn(() => derive(password, of, right.length, parameters));
  return timingSafeEqual(given, right);
}

/** Made with other parameters than those of today: to be made anew when the password is known, at sign-in. */
export const isOutdated = (stored: string): boolean => !stored.startsWith(`scrypt$${cost.N}$${cost.r}$${cost.p}$`);
