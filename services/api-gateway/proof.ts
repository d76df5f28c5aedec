import type Router from "@koa/router";
import type Koa from "koa";
import { type Dispatcher, Pool, request } from "undici";
import { Id } from "../../contracts/common.js";
import { Process, ProcessAction, Statement } from "../../contracts/console.js";
import type { Claims } from "../../contracts/user.js";
import { mustBeAdmin } from "../../kit/auth.js";
import { Problem, Unavailable } from "../../kit/problem.js";

type Deps = {
  authenticate: (ctx: Koa.Context) => Promise<Claims>;
  /** The supervisor's socket; without it there is nothing to prove and every path below does not exist. */
  socket: string | undefined;
  /** The payment provider, who testifies. */
  provider: string | undefined;
};

/**
 * Lets an admin kill, stop and start the processes of this very instance, and see what the provider's ledger says then.
 * The local profile's only: `npm start` names the socket, nothing else does. The admin's token keeps the pages of other
 * origins from pressing these buttons.
 */
export function proof(router: Router, { authenticate, socket, provider }: Deps): void {
  // Several connections: a stop is answered when the process has stopped.
  const supervisor = socket ? new Pool("http://supervisor", { socketPath: socket, connections: 8 }) : undefined;

  async function admitted(ctx: Koa.Context): Promise<Dispatcher> {
    if (!supervisor) throw new Problem(404, `there is no ${ctx.path}`);
    mustBeAdmin(await authenticate(ctx));
    return supervisor;
  }

  router.get("/proof/processes", async (ctx) => {
    ctx.body = { items: await processes(await admitted(ctx)) };
  });

  router.post("/proof/processes/:name/:action", async (ctx) => {
    const asked = await admitted(ctx);
    const action = ProcessAction.safeParse(ctx.params.action);
    if (!action.success) throw new Problem(404, `there is no action "${ctx.params.action}"`);
    const { name } = ctx.params as { name: string };
    if (!(await processes(asked)).some((one) => one.name === name))
      throw new Problem(404, `this instance has no process "${name}"`);
    if (comesBackByHandOnly.includes(action.data) && name.startsWith("api-gateway"))
      throw new Problem(409, "the way to start it again leads through it: kill or restart it instead");
    const { statusCode, text } = await ask(asked, "POST", `/${action.data}`, JSON.stringify({ name }));
    // The supervisor's sentence: it is stopped already, or was started meanwhile.
    if (statusCode !== 200) throw new Problem(409, (JSON.parse(text) as { error: string }).error);
    ctx.status = 204;
  });

  router.get("/proof/ledger/:order_id", async (ctx) => {
    await admitted(ctx);
    const id = Id.safeParse(ctx.params.order_id);
    if (!id.success || !provider) throw new Problem(404, "there is no such ledger");
    const answer = await request(`${provider}/ledger?reference=${id.data}`).catch((error) => {
      throw new Unavailable("the payment provider", error);
    });
    ctx.body = Statement.parse(await answer.body.json());
  });
}

const comesBackByHandOnly: ProcessAction[] = ["stop", "pause"];

const processes = async (supervisor: Dispatcher): Promise<Process[]> =>
  Process.array().parse(JSON.parse((await ask(supervisor, "GET", "/processes")).text));

async function ask(supervisor: Dispatcher, method: "GET" | "POST", path: string, body?: string) {
  try {
    const answer = await supervisor.request({ origin: "http://supervisor", method, path, body: body ?? null });
    return { statusCode: answer.statusCode, text: await answer.body.text() };
  } catch (error) {
    throw new Unavailable("the supervisor", error);
  }
}
