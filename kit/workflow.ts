import { randomUUID } from "node:crypto";
import { type Task, type WorkflowActivityContext, type WorkflowContext, WorkflowRuntime } from "@dapr/dapr";
import { ConsoleLoggerService } from "@dapr/dapr/logger/ConsoleLoggerService.js";
import pb from "@dapr/dapr/workflow/internal/durabletask/proto/orchestrator_service_pb.js";
import { within } from "./context.js";
import type { Dapr, GrpcSidecar } from "./dapr.js";
import { engineWatch } from "./engine-watch.js";
import { every } from "./every.js";
import { fault } from "./faults.js";
import type { Logger } from "./log.js";
import { count, timed } from "./metrics.js";
import { Unavailable } from "./problem.js";

// The JS workflow SDK 3.18 has sharp edges; this file hides them and is written to be deleted when it has caught up.

/** A workflow is an async generator: a plain function* would complete at once with nothing done. */
export type Steps<R = void> = AsyncGenerator<Task<unknown>, R, unknown>;
export type Workflow<I> = (ctx: WorkflowContext, input: I) => Steps;
/** Activities take and give objects: the SDK loses falsy inputs. They may run twice. */
export type Activity = (input: never) => Promise<object>;

/**
 * Every step gets an id of its own, for which the SDK has no field. Without it the engine takes a step for the one of the
 * same number that an earlier instance of the same id has taken in the last minute, and its answer never comes.
 */
const withoutId = pb.ScheduleTaskAction.serializeBinaryToWriter;
pb.ScheduleTaskAction.serializeBinaryToWriter = (action, writer) => {
  withoutId(action, writer);
  writer.writeString(5, randomUUID());
};

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
type Tell = Instance & { from: string; event: string; data: object };

/** How long an instance must have been unreadable to be taken for lost; what was seen long ago says nothing. */
const patience = 20_000;
const memory = 10 * patience;
/** How many instances are remembered as begun; of one that is forgotten the engine is asked. */
const mostBegun = 10_000;

const ends = ["COMPLETED", "TERMINATED", "CANCELED"];

/** What the engine has stored of an instance, for what its API cannot do. */
type Rows = {
  /** What it was begun with is not there: no API tells this from one that is about to begin. */
  lackBeginning: (id: string) => Promise<boolean>;
  erase: (id: string) => Promise<void>;
};

/** Starts and tells instances over HTTP: it answers once the request is durable, the SDK's client waits for a turn. */
export function workflows(dapr: Pick<Dapr, "call" | "must">, rows: Rows) {
  const unreadable = new Map<string, number>();
  const begun = new Set<string>();
  const at = (path: string) => `/v1.0/workflows/dapr/${path}`;

  /**
   * What the engine knows of an instance. "failed": its history was spoilt, and a replay of it ends in an error. "lost":
   * nothing can reach it any more, not even a purge. Its stored rows contradict each other, and have done so for a while: a
   * store that breaks off while it is read looks the same for once. Or it has no beginning. Dapr 1.18.2 does the first two
   * when the turn of a timer is broken off and an event comes before the next one (dapr/dapr#10155), and the third when
   * an event comes to one that had ended and could not be begun anew.
   */
  async function look(id: string): Promise<"there" | "pending" | "ended" | "failed" | "unknown" | "lost"> {
    const { status, text } = await dapr.call("GET", at(id));
    const now = Date.now();
    const seen = unreadable.get(id) ?? now;
    unreadable.delete(id);
    if (status < 300) {
      const { runtimeStatus: is } = JSON.parse(text);
      if (is === "PENDING") return (await rows.lackBeginning(id)) ? "lost" : "pending";
      if (is === "FAILED") return "failed";
      return ends.includes(is) ? "ended" : "there";
    }
    if (!text.includes("missing from state store")) return "unknown";
    const since = now - seen < memory ? seen : now;
    if (now - since >= patience) return "lost";
    unreadable.set(id, since);
    throw new Unavailable("workflow", new Error(text));
  }

  const ask = ({ workflow, id, input }: Instance) =>
    dapr.must("workflow", "POST", at(`${workflow}/start?instanceID=${id}`), input);
  /** An event that nobody waits for brings a job for all that is stored and unread. */
  const nudge = (id: string) => dapr.must("workflow", "POST", at(`${id}/raiseEvent/begin`), {});

  /** Begins anew what nothing else can reach. */
  async function renew(instance: Instance): Promise<void> {
    await rows.erase(instance.id);
    // A sidecar that still has it in mind finds out when it would store this, and forgets it.
    await nudge(instance.id).catch(() => undefined);
    await ask(instance);
  }

  /** False when it is there already, and goes on as it is. */
  async function start(instance: Instance): Promise<boolean> {
    try {
      await ask(instance);
      return true;
    } catch (error) {
      const seen = await look(instance.id);
      if (seen === "unknown") throw error;
      // It is stored, but the job that begins it may not be.
      if (seen === "pending") await nudge(instance.id);
      if (seen === "pending" || seen === "there") return false;
      // One that has ended begins anew when it is asked to: now it is half done, and the next event would store that.
      await renew(instance);
      return true;
    }
  }

  /** To start one that is there already daprd tries five times, which takes 3 s. */
  async function begins(instance: Instance): Promise<boolean> {
    if (begun.has(instance.id)) return false;
    const isNew = await start(instance);
    begun.add(instance.id);
    const [oldest] = begun;
    if (begun.size > mostBegun && oldest !== undefined) begun.delete(oldest);
    return isNew;
  }

  /**
   * Until `from` the instance has probably not begun. One that is not there, or not any more, is started: its input says
   * what the event would.
   */
  async function tell({ event, data, from, ...instance }: Tell): Promise<void> {
    if (Date.now() < Date.parse(from) && (await begins(instance))) return;
    await dapr.must("workflow", "POST", at(`${instance.id}/raiseEvent/${event}`), data).catch(async (error) => {
      const seen = await look(instance.id);
      if (seen === "there" || seen === "pending" || seen === "ended") throw error;
      await (seen === "lost" ? renew(instance) : start(instance));
    });
  }

  /** Starts an instance anew when it can do nothing any more. Gives whether it goes on as it is. */
  async function replaceDead(instance: Instance): Promise<boolean> {
    const seen = await look(instance.id);
    // One that has ended would begin anew, by the rules of today.
    if (seen === "there" || seen === "ended") return true;
    if (seen === "lost") await renew(instance);
    else await start(instance);
    return false;
  }

  /** Has an instance read what is stored for it, whose job was lost. */
  async function wake(instance: Instance): Promise<void> {
    if (await replaceDead(instance)) await nudge(instance.id);
  }

  const exists = async (id: string) => (await dapr.call("GET", at(id))).status < 300;

  /** Neither ended nor unknown. An instance that daprd holds up is alive. */
  async function isAlive(id: string): Promise<boolean> {
    const { status, text } = await dapr.call("GET", at(id));
    if (status >= 500) throw new Unavailable("workflow", new Error(text));
    return status < 300 && !["FAILED", ...ends].includes(JSON.parse(text).runtimeStatus);
  }

  /** It does nothing any more, whatever it waits for. */
  async function terminate(id: string): Promise<void> {
    await dapr.must("workflow", "POST", at(`${id}/terminate`));
  }

  return { start, tell, replaceDead, wake, exists, isAlive, terminate };
}

async function step(name: string, activity: Activity, input: never): Promise<object> {
  await fault("before-step", name, input);
  const work = () => activity(input);
  const output = await timed("saga.step.duration", { step: name as "expire" }, work, () => "done");
  await fault("after-step", name, input);
  return output;
}

type Stub = { completeOrchestratorTask: (response: pb.OrchestratorResponse, done: unknown) => unknown };
type Worker = {
  _isRunning: boolean;
  _executeOrchestrator: (request: pb.OrchestratorRequest, stub: Stub) => Promise<void>;
  _executeActivity: (request: pb.ActivityRequest, stub: Stub) => Promise<void>;
};

/** An action that no daprd can do, and that the SDK cannot say: field 11, a workflow to be begun under no id. */
const impossible = [0x12, 2, 0x5a, 0];

/**
 * A saga that meets a build which does not know its version would fail, for good. So daprd is given an answer that it
 * cannot apply: it forgets the turn and asks again after a second, until a build answers that can go on. ("Version not
 * available", its own word for this, keeps the saga from going on when only the app is replaced and the sidecar stays.)
 * Gives the reason when the response was such a failure. One that fails otherwise has a spoilt history, and begins anew.
 */
export function thrownBack(response: pb.OrchestratorResponse): string | undefined {
  const failed = pb.OrchestrationStatus.ORCHESTRATION_STATUS_FAILED;
  const ends = response.getActionsList().map((action) => action.getCompleteorchestration());
  const failure = ends.find((end) => end?.getOrchestrationstatus() === failed)?.getFailuredetails();
  if (failure?.getErrortype() !== "OrchestratorNotRegisteredError") return undefined;
  response.setActionsList([]);
  const rest = response.serializeBinary();
  response.serializeBinary = () => Uint8Array.of(...rest, ...impossible);
  return failure.getErrormessage();
}

function waitingForItsBuild(worker: Worker, log: Logger): void {
  const execute = worker._executeOrchestrator.bind(worker);
  worker._executeOrchestrator = (request, stub) =>
    execute(request, {
      completeOrchestratorTask(response, done) {
        const why = thrownBack(response);
        if (why) {
          count("saga.unknown", {});
          log.error(
            { saga: response.getInstanceid(), why },
            "this build does not know the saga, which waits for one that does",
          );
        }
        return stub.completeOrchestratorTask(response, done);
      },
    });
}

/** The SDK does not know field 6 of an activity's request: the trace in which it was scheduled. */
const traces = new WeakMap<pb.ActivityRequest, string>();
const withoutTrace = pb.ActivityRequest.deserializeBinaryFromReader;
pb.ActivityRequest.deserializeBinaryFromReader = (request, reader) => {
  const skip = reader.skipField;
  reader.skipField = () => {
    if (reader.getFieldNumber() !== 6) return skip.call(reader);
    const [traceparent] =
      /00-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}/.exec(Buffer.from(reader.readBytes()).toString()) ?? [];
    if (traceparent) traces.set(request, traceparent);
  };
  try {
    return withoutTrace(request, reader);
  } finally {
    reader.skipField = skip;
  }
};

function inTheirTrace(worker: Worker): void {
  const execute = worker._executeActivity.bind(worker);
  worker._executeActivity = (request, stub) => {
    const traceparent = traces.get(request);
    const request_id = request.getOrchestrationinstance()?.getInstanceid() ?? "";
    return within(traceparent ? { request_id, traceparent } : undefined, () => execute(request, stub));
  };
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
  dapr: Pick<Dapr, "call">,
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
    waitingForItsBuild(worker(runtime), log);
    inTheirTrace(worker(runtime));
    void runtime.start();
    return runtime;
  }
  const worker = (runtime: WorkflowRuntime) => (runtime as unknown as { worker: Worker }).worker;

  let runtime = open();
  const watch = setInterval(() => {
    if (worker(runtime)._isRunning) return;
    log.warn("workflow worker had stopped, starting another");
    count("saga.worker.restarts", { cause: "stopped" });
    runtime = open();
  }, 1_000);
  const renew = () => {
    void runtime.stop().catch(() => undefined);
    runtime = open();
  };
  const engine = every(2_000, engineWatch(dapr, renew, log), () => undefined);
  return {
    async stop(): Promise<void> {
      clearInterval(watch);
      engine.stop();
      // One that has died, because its sidecar left first, throws when it is told to stop.
      if (worker(runtime)._isRunning) await runtime.stop();
    },
  };
}
