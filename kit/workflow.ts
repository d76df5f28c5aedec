import { type Task, type WorkflowActivityContext, type WorkflowContext, WorkflowRuntime } from "@dapr/dapr";
import { ConsoleLoggerService } from "@dapr/dapr/logger/ConsoleLoggerService.js";
import pb from "@dapr/dapr/workflow/internal/durabletask/proto/orchestrator_service_pb.js";
import type { Dapr, GrpcSidecar } from "./dapr.js";
import { fault } from "./faults.js";
import type { Logger } from "./log.js";
import { Unavailable } from "./problem.js";

// The JS workflow SDK 3.18 has sharp edges; this file hides them and is written to be deleted when it has caught up.

/** A workflow is an async generator: a plain function* would complete at once with nothing done. */
export type Steps<R = void> = AsyncGenerator<Task<unknown>, R, unknown>;
export type Workflow<I> = (ctx: WorkflowContext, input: I) => Steps;
/** Activities take and give objects: the SDK loses falsy inputs. They may run twice. */
export type Activity = (input: never) => Promise<object>;

/** Calls an activity until it succeeds, waiting on durable timers, at most a minute between two tries. */
export async function* retry<R>(ctx: WorkflowContext, activity: string, input: object): Steps<R> {
  for (let tries = 1; ; tries++) {
    const task = ctx.callActivity(activity, input);
    // A task that failed before it was yielded would resume with undefined, not throw: ask, do not catch.
    yield ctx.whenAny([task]);
    if (!task.isFailed) return task.getResult() as R;
    yield ctx.createTimer(Math.min(2 ** tries, 60));
  }
}

/** A stream of external events of one name: the one pending wait is kept across timeouts, so none is lost. */
export function inbox<E>(ctx: WorkflowContext, name: string) {
  let pending = ctx.waitForExternalEvent(name) as Task<E>;
  return {
    /** The next event, or undefined when the time comes first. Without a time it waits as long as it takes. */
    async *next(until?: Date): Steps<E | undefined> {
      yield ctx.whenAny(until ? [pending, ctx.createTimer(until)] : [pending]);
      if (!pending.isComplete) return undefined;
      const event = pending.getResult();
      pending = ctx.waitForExternalEvent(name) as Task<E>;
      return event;
    },
  };
}

export type Workflows = ReturnType<typeof workflows>;
type Instance = { workflow: string; id: string; input: object };

/** Starts and tells instances over HTTP: it answers once the request is durable, the SDK's client waits for a turn. */
export function workflows(dapr: Dapr) {
  const at = (path: string) => `/v1.0/workflows/dapr/${path}`;

  const exists = async (id: string) => (await dapr.call("GET", at(id))).status < 300;

  /** An instance that is there already counts as started. */
  async function start({ workflow, id, input }: Instance): Promise<void> {
    const answer = await dapr.call("POST", at(`${workflow}/start?instanceID=${id}`), input);
    if (answer.status >= 300 && !(await exists(id))) throw new Unavailable("workflow", new Error(answer.text));
  }

  /** An instance that is not there yet is started first. */
  async function tell({ event, data, ...instance }: Instance & { event: string; data: object }): Promise<void> {
    const raise = () => dapr.call("POST", at(`${instance.id}/raiseEvent/${event}`), data);
    let answer = await raise();
    if (answer.status >= 300 && !(await exists(instance.id))) {
      await start(instance);
      answer = await raise();
    }
    if (answer.status >= 300) throw new Unavailable("workflow", new Error(answer.text));
  }

  /** Neither ended nor unknown. An instance that daprd holds up is alive. */
  async function isAlive(id: string): Promise<boolean> {
    const { status, text } = await dapr.call("GET", at(id));
    if (status >= 500) throw new Unavailable("workflow", new Error(text));
    return status < 300 && !["COMPLETED", "FAILED", "TERMINATED", "CANCELED"].includes(JSON.parse(text).runtimeStatus);
  }

  /** It does nothing any more, whatever it waits for. */
  async function terminate(id: string): Promise<void> {
    await dapr.must("workflow", "POST", at(`${id}/terminate`));
  }

  return { start, tell, exists, isAlive, terminate };
}

async function step(name: string, activity: Activity, input: never): Promise<object> {
  await fault("before-step", name, input);
  const output = await activity(input);
  await fault("after-step", name, input);
  return output;
}

type Stub = { completeOrchestratorTask: (response: pb.OrchestratorResponse, done: unknown) => unknown };
type Worker = {
  _isRunning: boolean;
  _executeOrchestrator: (request: pb.OrchestratorRequest, stub: Stub) => Promise<void>;
};

/** An action that no daprd can do, and that the SDK cannot say: field 11, a workflow to be begun under no id. */
const impossible = [0x12, 2, 0x5a, 0];

/**
 * No saga of ours fails on purpose: one that would has met a build that does not know its version, or does something
 * else than was done before. A failure would be for good. So daprd is given an answer that it cannot apply: it forgets
 * the turn and asks again after a second, until a build answers that can go on. ("Version not available", its own word
 * for this, keeps the saga from going on when only the app is replaced and the sidecar stays.)
 * Gives the reason when the response was such a failure.
 */
export function thrownBack(response: pb.OrchestratorResponse): string | undefined {
  const failed = pb.OrchestrationStatus.ORCHESTRATION_STATUS_FAILED;
  const ends = response.getActionsList().map((action) => action.getCompleteorchestration());
  const failure = ends.find((end) => end?.getOrchestrationstatus() === failed);
  if (!failure) return undefined;
  response.setActionsList([]);
  const rest = response.serializeBinary();
  response.serializeBinary = () => Uint8Array.of(...rest, ...impossible);
  return failure.getFailuredetails()?.getErrormessage() ?? "no reason given";
}

function neverFailing(worker: Worker, log: Logger): void {
  const execute = worker._executeOrchestrator.bind(worker);
  worker._executeOrchestrator = (request, stub) =>
    execute(request, {
      completeOrchestratorTask(response, done) {
        const why = thrownBack(response);
        if (why)
          log.error(
            { saga: response.getInstanceid(), why },
            "this build cannot go on with the saga, which waits for one that can",
          );
        return stub.completeOrchestratorTask(response, done);
      },
    });
}

/** The SDK writes four lines per turn to the console, which cost more than the turn; its warnings belong in our log. */
function quiet(log: Logger): void {
  Object.assign(ConsoleLoggerService.prototype, {
    info: () => undefined,
    warn: (message: string) => log.warn(message),
    error: (message: string, ...more: unknown[]) => log.error({ more }, message),
  });
}

/**
 * Runs workflows (by versioned name) and activities. Call it when the sidecar is ready: the SDK's worker dies
 * without a word when its first greeting fails, so it is watched and made again.
 */
export function work(
  { DAPR_GRPC_PORT, DAPR_API_TOKEN = "" }: GrpcSidecar,
  register: { workflows: Record<string, Workflow<never>>; activities: Record<string, Activity> },
  log: Logger,
) {
  quiet(log);
  function open(): WorkflowRuntime {
    const sidecar = { daprHost: "127.0.0.1", daprPort: String(DAPR_GRPC_PORT), daprApiToken: DAPR_API_TOKEN };
    const runtime = new WorkflowRuntime(sidecar);
    for (const [name, workflow] of Object.entries(register.workflows))
      runtime.registerWorkflowWithName(name, workflow as never);
    for (const [name, activity] of Object.entries(register.activities))
      runtime.registerActivityWithName(name, ((_: WorkflowActivityContext, input: never) =>
        step(name, activity, input)) as never);
    neverFailing(worker(runtime), log);
    void runtime.start();
    return runtime;
  }
  const worker = (runtime: WorkflowRuntime) => (runtime as unknown as { worker: Worker }).worker;

  let runtime = open();
  const watch = setInterval(() => {
    if (worker(runtime)._isRunning) return;
    log.warn("workflow worker had stopped, starting another");
    runtime = open();
  }, 1_000);
  return {
    async stop(): Promise<void> {
      clearInterval(watch);
      await runtime.stop();
    },
  };
}
