import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type Koa from "koa";
import { beforeAll, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { Consumer } from "../contracts/admin.js";
import { api, type Route } from "../contracts/api.js";
import { type Topic, topics } from "../contracts/events.js";
import { metrics } from "../contracts/metrics.js";
import { questions } from "../contracts/questions.js";
import { type App, app } from "../kit/http.js";
import { logger } from "../kit/log.js";

// Every service's main.ts is run up to the point where it would listen: what it has put together by then is looked at.

const wired = vi.hoisted(() => new Map<string, App>());
const services = readdirSync("services");

/** Stands for the sidecar, which nobody asks before the service is prepared. */
// biome-ignore lint/suspicious/noExplicitAny: it is whatever is asked of it.
const anything: any = new Proxy(() => anything, {
  get: (_, name) => (name === "then" ? undefined : anything),
});

vi.mock("../kit/service.js", () => ({
  service: async (name: string, _env: object, wire: (wire: object) => object) => {
    const log = logger(name, "silent");
    const web = app(log, async () => false);
    wire({ app: web, dapr: anything, log });
    wired.set(name, web);
  },
}));

beforeAll(async () => {
  const environment = { APP_PORT: "1", DAPR_HTTP_PORT: "1", DAPR_GRPC_PORT: "1", PROVIDER_URL: "http://127.0.0.1:1" };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  for (const service of services) await import(`../services/${service}/main.ts`);
});

const bare = (path: string) => path.replace(/:\w+|\{\w+\}/g, "{}");
const health = /^\/(healthz|health|readyz)$/;
/** What a service has for Dapr and the other services, and the gateway never. */
const inside = /^\/(dapr\/subscribe|dead-letters|rpc\/.+|events\/.+)$/;
/** The files of the page /docs, the console with what its pages alone ask; no promise is made about these. */
const files = /^\/(docs\/.+|assets\/.+|console\.json|proof\/.+)?$/;

const routesOf = (service: string) =>
  (wired.get(service) as App).router.stack
    .flatMap(({ methods, path }) => methods.filter((method) => method !== "HEAD").map((method) => [method, `${path}`]))
    .filter(([, path]) => ![health, service === "api-gateway" ? files : inside].some((all) => all.test(path as string)))
    .map(([method, path]) => `${method} ${bare(path as string)}`)
    .sort();

const inTable = (which: (route: Route) => boolean, service = "{}") =>
  Object.values<Route>(api)
    .filter(which)
    .map(({ method, path }) => `${method} ${bare(path.replace("{service}", service))}`)
    .sort();

/** The gateway puts these together from what each consumer of events answers for itself. */
const ofConsumers = ({ path }: Route) => path.startsWith("/admin/dead-letters");
const hears = (service: string) => Consumer.options.some((name) => name === service);

test("the gateway takes exactly what the table of routes names", () => {
  expect(routesOf("api-gateway")).toEqual(inTable(() => true));
});

test.each(services.filter((service) => service !== "api-gateway"))(
  "%s answers exactly the routes that the table gives it",
  (service) => {
    const its = (route: Route) => route.service === service || (hears(service) && ofConsumers(route));
    expect(routesOf(service)).toEqual(inTable(its, service));
  },
);

test.each(services)("%s subscribes exactly to the topics that the table says it hears", async (service) => {
  const { router } = wired.get(service) as App;
  const ctx = { body: [] } as { body: { topic: string }[] };
  const answer = router.match("/dapr/subscribe", "GET").pathAndMethod[0]?.stack[0];
  await answer?.(ctx as unknown as Koa.Context & never, async () => undefined);
  const heard = Object.keys(topics).filter((topic) => topics[topic as Topic].to.some((to) => to === service));
  const expected = heard.length > 0 ? [...heard, `dead-letter.${service}`] : [];
  expect(ctx.body.map(({ topic }) => topic).sort()).toEqual(expected.sort());
});

function sourceOf(service: string): string {
  const files = readdirSync(join("services", service)).filter((file) => /(?<!\.test)\.ts$/.test(file));
  return files.map((file) => readFileSync(join("services", service, file), "utf8")).join("\n");
}

test.each(services)("%s names the topics that it publishes or hears, and no other", (service) => {
  const like = [...sourceOf(service).matchAll(/"((?:orders|payments|inventory)\.\w+)"/g)].map(([, topic]) => topic);
  const named = like.filter((name) => !Object.hasOwn(metrics, name as string));
  const expected = Object.entries(topics).filter(([, { from, to }]) => [from, ...to].some((name) => name === service));
  expect([...new Set(named)].sort()).toEqual(expected.map(([topic]) => topic).sort());
});

test.each(services)(
  "%s puts exactly the questions, and answers those, that the table of questions names",
  (service) => {
    const asked = [...sourceOf(service).matchAll(/"([\w-]+)", (?:\{ )?(?:path: )?"(\/rpc\/[\w-]+)"/g)];
    const its = Object.entries(questions).flatMap(([app, paths]) =>
      Object.entries(paths).flatMap(([path, callers]) => (callers.includes(service) ? [`${app} ${path}`] : [])),
    );
    expect([...new Set(asked.map(([, app, path]) => `${app} ${path}`))].sort()).toEqual(its.sort());
    const rpc = (wired.get(service) as App).router.stack
      .map(({ path }) => `${path}`)
      .filter((path) => path.startsWith("/rpc/"));
    expect(rpc.sort()).toEqual(Object.keys(questions[service] ?? {}).sort());
  },
);

test.each(["redis", "kafka"])(
  "%s: the scopes let each app publish and hear what the table of events says, and no other app anything",
  (broker) => {
    type Broker = { spec: { metadata: { name: string; value?: string }[] }; scopes: string[] };
    const { spec, scopes } = parse(readFileSync(`components/${broker}/pubsub.yaml`, "utf8")) as Broker;
    const scope = (name: string) => {
      const apps =
        spec.metadata
          .find((item) => item.name === name)
          ?.value?.replaceAll(" ", "")
          .split(";") ?? [];
      const entries = apps.map((app) => app.split("=") as [string, string]);
      return Object.fromEntries(entries.map(([app, list]) => [app, list.split(",").sort()]));
    };
    const expected = (may: (topic: Topic, app: string) => boolean) =>
      Object.fromEntries(
        Consumer.options.map((app) => {
          const its = (Object.keys(topics) as Topic[]).filter((topic) => may(topic, app));
          return [app, [...its, `dead-letter.${app}`].sort()];
        }),
      );
    expect(scope("publishingScopes")).toEqual(expected((topic, app) => topics[topic].from === app));
    expect(scope("subscriptionScopes")).toEqual(expected((topic, app) => topics[topic].to.some((to) => to === app)));
    expect([...scopes].sort()).toEqual([...Consumer.options].sort());
  },
);
