import { once } from "node:events";
import { chmodSync, rmSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import { type Process, ProcessAction } from "../contracts/console.js";
import { socketPath } from "./instance.js";
import type { ProcessManager } from "./process-manager.js";
import type { Replicas } from "./replicas.js";
import { Refusal } from "./say.js";

const actions = ProcessAction.options;

export type Control = Record<ProcessAction, (name: string) => Promise<void>> & {
  processes: () => Promise<Process[]>;
  /** So many replicas of an app, each with its sidecar, ready when it returns; the second is `order-2`, `order-2-daprd`. */
  scale: (app: string, count: number) => Promise<void>;
};

/** The processes of a running instance, by name: `order`, `order-daprd`, `postgres`, `redis`, `scheduler`, … */
export function control(dir: string): Control {
  const act = (action: ProcessAction) => async (name: string) => void (await ask(dir, "POST", `/${action}`, { name }));
  const named = Object.fromEntries(actions.map((action) => [action, act(action)])) as Record<
    ProcessAction,
    (name: string) => Promise<void>
  >;
  return {
    ...named,
    processes: async () => (await ask(dir, "GET", "/processes")) as Process[],
    scale: async (name, count) => void (await ask(dir, "POST", "/scale", { name, count })),
  };
}

function ask(dir: string, method: string, path: string, body?: unknown): Promise<unknown> {
  return new Promise((done, fail) => {
    const call = request({ socketPath: socketPath(dir), method, path }, async (response) => {
      let text = "";
      for await (const chunk of response.setEncoding("utf8")) text += chunk;
      const answer = JSON.parse(text);
      if (response.statusCode === 200) done(answer);
      else fail(new Refusal(answer.error));
    });
    call.once("error", () => fail(new Refusal(`Nothing runs in ${dir}: start it first with npm start.`)));
    call.end(body && JSON.stringify(body));
  });
}

/** Answers `control` for the processes of this manager, for this account only. */
export async function serveControl(
  dir: string,
  processes: ProcessManager,
  { scale }: Pick<Replicas, "scale">,
): Promise<Server> {
  const does: Record<string, (name: string, count: number) => unknown> = { scale };
  for (const action of actions) does[action] = action === "start" ? processes.again : processes[action];
  const server = createServer(async (incoming, response) => {
    const reply = (status: number, body: unknown) => response.writeHead(status).end(JSON.stringify(body));
    const action = incoming.method === "POST" ? does[incoming.url?.slice(1) ?? ""] : undefined;
    if (incoming.method === "GET" && incoming.url === "/processes") return reply(200, processes.list());
    if (!action) return reply(404, { error: `POST /${Object.keys(does).join(", /")} or GET /processes` });
    try {
      let text = "";
      for await (const chunk of incoming.setEncoding("utf8")) text += chunk;
      const { name, count } = JSON.parse(text);
      await action(name, count);
      reply(200, {});
    } catch (error) {
      reply(400, { error: (error as Error).message });
    }
  });
  const path = socketPath(dir);
  rmSync(path, { force: true });
  server.listen(path);
  await once(server, "listening");
  chmodSync(path, 0o600);
  return server.unref();
}
