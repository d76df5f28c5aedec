import { Consumer } from "../contracts/admin.js";
import { api, type Route } from "../contracts/api.js";
import { questions } from "../contracts/questions.js";

type Operation = { name: string; httpVerb: string[]; action: "allow" };
/** The part `accessControl` of an app's Dapr configuration. */
type AccessControl = {
  defaultAction: "deny";
  trustDomain: string;
  policies: { appId: string; defaultAction: "deny"; trustDomain: string; namespace: string; operations: Operation[] }[];
};

/** What sidecars are in when their configuration says nothing else. */
const trustDomain = "public";
export const defaultNamespace = "default";
const gateway = "api-gateway";
const keys = api.keys;

/** Who of these apps may ask the app what, through the sidecars; all else is denied. It needs mTLS, which says who asks. */
export function accessControl(app: string, apps: string[], namespace = defaultNamespace): AccessControl {
  const policies = apps.flatMap((appId) => {
    const operations = allowed(app, appId);
    return operations.length > 0 ? [{ appId, defaultAction: "deny" as const, trustDomain, namespace, operations }] : [];
  });
  return { defaultAction: "deny", trustDomain, policies };
}

function allowed(app: string, caller: string): Operation[] {
  const asked = Object.entries(questions[app] ?? {}).filter(([, callers]) => callers.includes(caller));
  const rpc = asked.map(([path]) => ({ path, method: "POST" as const }));
  if (caller === gateway) return operationsOf([...publicRoutes(app), ...rpc]);
  // Every app verifies access tokens itself.
  return operationsOf(app === keys.service ? [keys, ...rpc] : rpc);
}

/** What the gateway passes on to an app; the consumers of events show their own dead letters. */
function publicRoutes(app: string): Pick<Route, "method" | "path">[] {
  const consumes = Consumer.options.some((name) => name === app);
  return Object.values<Route>(api).filter(({ service, path }) =>
    service !== gateway ? service === app : consumes && path.startsWith(api.deadLetters.path),
  );
}

/**
 * One operation per fixed beginning of a path, with the verbs of all routes under it: daprd looks no further than the
 * first beginning that it finds.
 */
function operationsOf(routes: { method: string; path: string }[]): Operation[] {
  const beginnings = routes.map(({ path }) => path.replace(/\/\{.*/, ""));
  const under = (path: string, beginning: string) => path === beginning || path.startsWith(`${beginning}/`);
  const shortest = [...new Set(beginnings)].filter(
    (one) => !beginnings.some((other) => other !== one && under(one, other)),
  );
  return shortest.flatMap((name) => {
    const here = routes.filter(({ path }) => under(path, name));
    const verbs = new Set<string>(here.map(({ method }) => method));
    if (verbs.has("GET")) verbs.add("HEAD");
    const operation = { httpVerb: [...verbs].sort(), action: "allow" as const };
    const deeper = here.some(({ path }) => path !== name);
    return [{ name, ...operation }, ...(deeper ? [{ name: `${name}/**`, ...operation }] : [])];
  });
}
