import { api, type Route } from "../contracts/api.js";
import { type Topic, topics } from "../contracts/events.js";
import { questions } from "../contracts/questions.js";

/** docs/api/README.md: the whole API on one page. */
export function markdown(): string {
  const routes = Object.values<Route>(api).map(({ method, path, who, summary }) => [
    `${method} \`${path}\``,
    who,
    summary,
  ]);
  const events = Object.entries(topics).map(([topic, { from, to, says, also }]) => [
    `\`${topic}\``,
    `${from}${also ? ` (or ${also})` : ""} → ${to.join(", ")}`,
    says,
  ]);
  return `<!-- Made by \`npm run docs\` from contracts/api.ts and contracts/events.ts: change those. -->
# The API

The whole contract is in [openapi.json](openapi.json) and [asyncapi.json](asyncapi.json). A running gateway serves both, and
[/docs](http://127.0.0.1:8080/docs) and [/docs/events](http://127.0.0.1:8080/docs/events) to read them in a browser.

## Routes

${table(["route", "for", "what"], routes)}

Everything that is refused is an RFC 9457 problem. For \`owner\` and \`self\`, what is another's does not exist (404). Admin may do all that
staff may.

## Events

${table(["topic", "from → to", "what"], events)}

CloudEvents 1.0 through Dapr pub/sub, at least once; the key is the order's id, and the same fact has the same \`id\` on every repeat.
`;
}

export const table = (head: string[], rows: string[][]) =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** The page with this between `<!-- name -->` and `<!-- end -->`. */
export const filledIn = (page: string, name: string, text: string) =>
  page.replace(
    new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- end -->)`),
    (_, before, after) => `${before}${text}\n${after}`,
  );

/** README.md with the last two columns of its services table, calls and subscriptions, as contracts and sources have them. */
export function withServices(readme: string): string {
  return readme.replace(/^(\| \[([\w-]+)\]\(services\/\2\) (?:\|[^|\n]*){2}\|).*$/gm, (_, left, service) => {
    const cells = [asks(service), hears(service)].map((cell) => (cell ? ` ${cell} ` : " "));
    return `${left}${cells.join("|")}|`;
  });
}

/** Topics a service hears; `payments.*` where it hears all that others publish there. */
function hears(service: string): string {
  const heard = (topic: string) => topics[topic as Topic].to.some((to) => to === service);
  const families = new Map<string, string[]>();
  for (const topic of Object.keys(topics).filter((name) => topics[name as Topic].from !== service || heard(name))) {
    const family = topic.split(".")[0] as string;
    families.set(family, [...(families.get(family) ?? []), topic]);
  }
  return [...families]
    .flatMap(([family, all]) => (all.length > 1 && all.every(heard) ? [`${family}.*`] : all.filter(heard)))
    .map((topic) => `\`${topic}\``)
    .join(" ");
}

/** Services whose fixed-path questions a service puts, and the one party that is not ours. */
function asks(service: string): string {
  if (service === "api-gateway") return "all";
  const asked = Object.entries(questions).filter(([, its]) => Object.values(its).some((who) => who.includes(service)));
  return [...asked.map(([name]) => name).sort(), ...(service === "payment" ? ["the provider"] : [])].join(", ");
}
