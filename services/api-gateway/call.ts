import type { z } from "zod";
import { api, type Route } from "../../contracts/api.js";
import type { Claims } from "../../contracts/user.js";
import { follow } from "./follow.js";
import type { Ask, Identity } from "./forward.js";
import { type Args, question, refusal } from "./question.js";
import { ownKey } from "./routes.js";
import type { Watch } from "./watch.js";

/** One GraphQL request's way to the services: with its bearer, so that every rule stays with the service it belongs to. */
export type Call = ReturnType<typeof caller>;

export function caller(
  ask: Ask,
  watch: Watch,
  identity: Identity,
  admit: (route: Route) => Promise<Claims | undefined>,
) {
  return {
    /** Asks a public route, by the arguments of the field that has its name. */
    async route(route: Route, args: Args): Promise<unknown> {
      await admit(route);
      const { path, headers, body } = question(route, args);
      const request = { method: route.method, path, headers: { ...identity, ...ownKey(route), ...headers }, body };
      const answer = await ask(route.service, request);
      if (answer.statusCode >= 300) throw refusal(route.service, answer);
      return answer.text === "" ? undefined : JSON.parse(answer.text);
    },

    async follow(orderId: string, after: number, signal: AbortSignal) {
      const who = (await admit(api.orderEvents)) as Claims;
      return follow((last) => watch(who, identity, orderId, last), after, signal);
    },

    /** Asks many things of a kind at once. */
    async rpc<A extends z.ZodType>(app: string, path: string, body: object, schema: A): Promise<z.output<A>> {
      const headers = { ...identity, "content-type": "application/json" };
      const answer = await ask(app, { method: "POST", path, headers, body: JSON.stringify(body) });
      if (answer.statusCode >= 300) throw refusal(app, answer);
      return schema.parse(JSON.parse(answer.text));
    },
  };
}
