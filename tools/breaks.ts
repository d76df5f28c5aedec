import { narrower, type Schema } from "./narrower.js";

type Content = Record<string, { schema?: Schema }>;
type Response = { content?: Content; headers?: Record<string, unknown> };
type Operation = {
  security?: unknown[];
  parameters?: { in: string; name: string; required?: boolean; schema?: Schema }[];
  requestBody?: { required?: boolean; content: Content };
  responses: Record<string, Response>;
};
export type OpenApi = { info: { version: string }; paths: Record<string, Record<string, Operation>> };
export type AsyncApi = {
  info: { version: string };
  channels: Record<string, unknown>;
  components: { messages: Record<string, { payload: Schema }> };
};

/** What of the old API a client may rely on and the new one does not keep. */
export function breaksOfApi(old: OpenApi, young: OpenApi): string[] {
  return Object.entries(old.paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, was]) => {
      const is = young.paths[path]?.[method];
      const found = is
        ? [...breaksOfRequest(was, is, old, young), ...breaksOfAnswers(was, is, old, young)]
        : ["is gone"];
      return found.map((what) => `${method.toUpperCase()} ${path} ${what}`);
    }),
  );
}

function breaksOfRequest(was: Operation, is: Operation, old: OpenApi, young: OpenApi): string[] {
  const found: string[] = [];
  if (was.security?.length === 0 && is.security?.length !== 0) found.push("now wants a token");
  const same = (list: Operation["parameters"], one: { in: string; name: string }) =>
    list?.find((other) => other.in === one.in && other.name === one.name);
  for (const parameter of was.parameters ?? []) {
    const now = same(is.parameters, parameter);
    const name = `${parameter.in} parameter ${parameter.name}`;
    if (!now) found.push(`no longer takes the ${name}`);
    else found.push(...refusals(parameter.schema, now.schema, `takes less as ${name}`));
  }
  for (const parameter of is.parameters ?? [])
    if (parameter.required && !same(was.parameters, parameter)?.required)
      found.push(`now wants the ${parameter.in} parameter ${parameter.name}`);
  if (is.requestBody?.required && !was.requestBody?.required) found.push("now wants a body");
  for (const [type, { schema }] of Object.entries(was.requestBody?.content ?? {})) {
    const now = is.requestBody?.content[type];
    if (!now) found.push(`no longer takes ${type}`);
    else found.push(...refusals(schema, now.schema, "takes less"));
  }
  return found;

  function refusals(before: Schema | undefined, after: Schema | undefined, what: string) {
    return narrower({ schema: before, document: old }, { schema: after, document: young }).map(
      (why) => `${what}: ${why}`,
    );
  }
}

/** Refusals are left out: a client has to be ready for any of them. */
function breaksOfAnswers(was: Operation, is: Operation, old: OpenApi, young: OpenApi): string[] {
  const successes = Object.entries(was.responses).filter(([status]) => status.startsWith("2"));
  return successes.flatMap(([status, answer]) => {
    const now = is.responses[status];
    if (!now) return [`no longer answers ${status}`];
    const headers = Object.keys(answer.headers ?? {}).filter((name) => !(name in (now.headers ?? {})));
    const bodies = Object.entries(answer.content ?? {}).flatMap(([type, { schema }]) => {
      const body = now.content?.[type];
      if (!body) return [`no longer answers ${status} with ${type}`];
      const broken = narrower({ schema: body.schema, document: young }, { schema, document: old });
      return broken.map((what) => `no longer promises in ${status}: ${what}`);
    });
    return [...headers.map((name) => `no longer promises in ${status}: the header ${name}`), ...bodies];
  });
}

/** Events are written and read by others, and old ones still lie in the broker: so both ways must work. */
export function breaksOfEvents(old: AsyncApi, young: AsyncApi): string[] {
  return Object.keys(old.channels).flatMap((topic) => {
    if (!(topic in young.channels)) return [`${topic} is gone`];
    const was = { schema: old.components.messages[topic]?.payload, document: old };
    const is = { schema: young.components.messages[topic]?.payload, document: young };
    return [
      ...narrower(is, was).map((what) => `${topic} no longer promises: ${what}`),
      ...narrower(was, is).map((what) => `${topic} takes less: ${what}`),
    ];
  });
}

/** A break is allowed where the major version grows, before 1.0 the minor one. */
export function mayBreak(from: string, to: string): boolean {
  const [[wasMajor = 0, wasMinor = 0], [major = 0, minor = 0]] = [from, to].map((version) =>
    version.split(".").map(Number),
  ) as [number[], number[]];
  return major > wasMajor || (major === 0 && wasMajor === 0 && minor > wasMinor);
}
