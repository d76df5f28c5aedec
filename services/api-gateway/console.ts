import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type Router from "@koa/router";
import type { ConsoleInfo } from "../../contracts/console.js";
import type { Admit } from "./guard.js";

/** Made by the set-up from web/. Every program starts in the folder where package.json lies. */
const built = join("dist", "web");

/** Stricter than what the other pages need: nothing from elsewhere, nothing inline, and in nobody's frame. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The pages of the console, held in memory; without a build there are none, and the API is as it is. */
export function consolePages(router: Router, admit: Admit, info: ConsoleInfo, folder = built): void {
  const text = JSON.stringify(info);
  serve("/console.json", "application/json", "no-cache", text);
  const page = join(folder, "index.html");
  if (!existsSync(page)) return;
  serve("/", "text/html; charset=utf-8", "no-cache", readFileSync(page));
  const assets = join(folder, "assets");
  // The names hold a hash of the content.
  for (const name of readdirSync(assets))
    serve(`/assets/${name}`, typeOf(name), "public, max-age=31536000, immutable", readFileSync(join(assets, name)));

  function serve(path: string, type: string, cache: string, content: string | Buffer): void {
    router.get(path, async (ctx) => {
      await admit(ctx, { path, who: "anyone" });
      ctx.set({ "cache-control": cache, "content-security-policy": policy });
      ctx.type = type;
      ctx.body = content;
    });
  }
}

const types: Record<string, string> = {
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};
const typeOf = (name: string): string => types[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream";
