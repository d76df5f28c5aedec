import type { AsyncApi } from "../../contracts/asyncapi.js";
import type { JsonSchema } from "../../contracts/json-schema.js";

/** HTML that is safe to put into a page. Everything else that `html` is given is escaped. */
type Html = { html: string };
type Value = string | Html | Html[];

const escapes: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text: string) => text.replace(/[&<>"']/g, (sign) => escapes[sign] as string);
const shown = (value: Value): string =>
  typeof value === "string" ? escaped(value) : Array.isArray(value) ? value.map(shown).join("\n") : value.html;

function html(parts: TemplateStringsArray, ...values: Value[]): Html {
  return { html: String.raw({ raw: parts }, ...values.map(shown)) };
}

/** Text of the documents, which marks names as Markdown does. */
const prose = (text: string): Html => ({ html: escaped(text).replace(/`([^`]+)`/g, "<code>$1</code>") });

/** A page with the way to the other one. */
const page = (title: string, body: Html): string =>
  html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – orders on Dapr</title>
<link rel="stylesheet" href="/docs/style.css">
<nav><b>orders on Dapr</b> <a href="/docs">API</a> <a href="/docs/events">Events</a>
<a href="/openapi.json">openapi.json</a> <a href="/asyncapi.json">asyncapi.json</a></nav>
${body}
</html>
`.html;

export const apiPage = page(
  "API",
  html`<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="api"><noscript>This page needs scripts; <a href="/openapi.json">openapi.json</a> does not.</noscript></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>`,
);

export function eventsPage({ info, channels, operations, components }: AsyncApi): string {
  const who = (topic: string, action: "send" | "receive") =>
    Object.values(operations)
      .filter((operation) => operation.action === action && operation.channel.$ref === `#/channels/${topic}`)
      .flatMap(({ tags }) => tags.map(({ name }) => name))
      .join(", ");
  const links = Object.keys(channels).map((topic) => html`<li><a href="#${topic}">${topic}</a></li>`);
  const sections = Object.entries(channels).map(
    ([topic, { summary, description = "" }]) => html`<section id="${topic}">
<h2><a href="#${topic}">${topic}</a></h2>
<p class="way">${who(topic, "send")} → ${who(topic, "receive")}</p>
<p>${prose(`${summary} ${description}`)}</p>
<table>
<tr><th>field<th>type<th></tr>
${rows(components.schemas[topic] ?? {})}
</table>
</section>`,
  );
  return page(
    "Events",
    html`<main>
<h1>Events <small>${info.version}</small></h1>
<p>${prose(info.description)}</p>
<ul class="topics">
${links}
</ul>
${sections}
</main>`,
  );
}

/** A row per field, those of inner objects under the name of their field. */
function rows({ properties = {}, required = [] }: JsonSchema, before = ""): Html[] {
  return Object.entries(properties as Record<string, JsonSchema>).flatMap(([name, schema]) => {
    const [inner, list] = schema.type === "array" ? [schema.items as JsonSchema, "[]"] : [schema, ""];
    const type = [inner.format ?? inner.type, list].join("");
    const may = required.includes(name) ? "" : "optional";
    const row = html`<tr><td><code>${before}${name}</code><td>${type}<td>${may}</tr>`;
    return [row, ...rows(inner, `${before}${name}${list}.`)];
  });
}

export const style = `body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: #1f2933; background: #fff; }
nav { display: flex; flex-wrap: wrap; gap: 1.5rem; padding: .8rem 1.5rem; background: #1f2933; color: #fff; }
nav a { color: #cbd5e1; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem 1.5rem 4rem; }
small { font-weight: normal; color: #52606d; }
h2 { margin: 2.5rem 0 0; font-size: 1.25rem; }
h2 a { color: inherit; text-decoration: none; }
.topics { columns: 14rem; padding-left: 1.2rem; }
.way { margin: 0; color: #52606d; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem 1rem .3rem 0; border-bottom: 1px solid #e4e7eb; }
code { font: .9em ui-monospace, monospace; }
`;
