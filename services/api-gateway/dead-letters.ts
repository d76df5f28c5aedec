import type Koa from "koa";
import type { z } from "zod";
import { Consumer, DeadLetter, ListDeadLetters } from "../../contracts/admin.js";
import { api } from "../../contracts/api.js";
import { pageOf as pageSchema } from "../../contracts/common.js";
import type { Claims } from "../../contracts/user.js";
import { mustBeAdmin } from "../../kit/auth.js";
import { type App, query } from "../../kit/http.js";
import { Problem, Unavailable } from "../../kit/problem.js";
import { cursorOf, startOf } from "../../kit/sql.js";
import { type Ask, identity } from "./forward.js";
import { routerPath } from "./routes.js";

const Page = pageSchema(DeadLetter);

type Deps = {
  ask: Ask;
  authenticate: (ctx: Koa.Context) => Promise<Claims>;
  forward: (ctx: Koa.Context, app: string) => Promise<void>;
};

/**
 * The consumers' dead letters as one list; each is its consumer's to show, re-drive or discard. The consumers themselves
 * look at the bearer again.
 */
export function deadLetters({ router }: App, { ask, authenticate, forward }: Deps): void {
  async function pageOf(service: Consumer, search: URLSearchParams, authorization: string) {
    const path = `${api.deadLetters.path}?${search}`;
    const answer = await ask(service, { method: "GET", path, headers: { ...identity(), authorization }, body: null });
    if (answer.statusCode !== 200)
      throw new Unavailable(`the ${service} service`, new Error(answer.text.slice(0, 500)));
    return Page.parse(JSON.parse(answer.text));
  }

  router.get(api.deadLetters.path, async (ctx) => {
    mustBeAdmin(await authenticate(ctx));
    const { service, limit, cursor, cursors } = query(ctx, ListDeadLetters);
    if (cursor !== undefined) startOf("dead-letters", cursor, 3);
    const search = new URLSearchParams({ limit: String(limit), ...(cursor !== undefined && { cursor }) });
    const from = service ? [service] : Consumer.options;
    const pages = await Promise.all(from.map((one) => pageOf(one, search, ctx.get("authorization"))));
    const page = merged(pages, limit);
    ctx.body = {
      ...page,
      ...(cursors && { cursors: page.items.map((item) => cursorOf("dead-letters", ...position(item))) }),
    };
  });

  for (const { method, path } of [api.deadLetter, api.discard, api.redrive])
    router.register(routerPath(path), [method], async (ctx) => {
      mustBeAdmin(await authenticate(ctx));
      const service = Consumer.safeParse(ctx.params.service);
      if (!service.success) throw new Problem(404, "there is no such consumer");
      await forward(ctx, service.data);
    });
}

/** The first of several pages that are each newest first; a cursor means the same to each of them. */
function merged(pages: z.infer<typeof Page>[], limit: number): z.infer<typeof Page> {
  const all = pages.flatMap(({ items }) => items).sort(newestFirst);
  const items = all.slice(0, limit);
  const last = items.at(-1);
  const more = all.length > limit || pages.some(({ next_cursor }) => next_cursor !== null);
  return { items, next_cursor: more && last ? cursorOf("dead-letters", ...position(last)) : null };
}

const position = ({ at, id, service }: DeadLetter) => [at, id, service];
const newestFirst = (a: DeadLetter, b: DeadLetter) => (position(a).join() < position(b).join() ? 1 : -1);
