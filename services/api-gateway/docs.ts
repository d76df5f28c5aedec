import { createReadStream } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type Router from "@koa/router";
import type Koa from "koa";
import { asyncapi } from "../../contracts/asyncapi.js";
import { openapi } from "../../contracts/openapi.js";
import { version } from "../../kit/version.js";
import { apiPage, eventsPage, style } from "./docs-pages.js";
import type { Admit } from "./guard.js";

const swagger = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));

// Files of our own instead of a script and a style in the page: the content security policy allows no scripts there.
const start = `SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  layout: "BaseLayout",
  deepLinking: true,
  validatorUrl: null,
});
`;

/** The documents of the platform, as they are made from the contracts, and pages that show them; no CDN is asked. */
export function documents(router: Router, admit: Admit): void {
  const api = JSON.stringify(openapi(version));
  const events = asyncapi(version);
  const eventsText = JSON.stringify(events);

  serve("/openapi.json", "application/json", () => api);
  serve("/asyncapi.json", "application/json", () => eventsText);
  serve("/docs", "text/html; charset=utf-8", () => apiPage);
  serve("/docs/events", "text/html; charset=utf-8", () => eventsPage(events));
  serve("/docs/start.js", "text/javascript; charset=utf-8", () => start);
  serve("/docs/style.css", "text/css; charset=utf-8", () => style);
  serve("/docs/swagger-ui.css", "text/css; charset=utf-8", () => createReadStream(join(swagger, "swagger-ui.css")));
  serve("/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8", () =>
    createReadStream(join(swagger, "swagger-ui-bundle.js")),
  );

  function serve(path: string, type: string, content: () => Koa.DefaultContext["body"]): void {
    router.get(path, async (ctx) => {
      await admit(ctx, { path, who: "anyone" });
      ctx.set("cache-control", "public, max-age=300");
      ctx.type = type;
      ctx.body = content();
    });
  }
}
