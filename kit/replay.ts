import { WorkflowRuntime } from "@dapr/dapr";
import pb from "@dapr/dapr/workflow/internal/durabletask/proto/orchestrator_service_pb.js";
import * as make from "@dapr/dapr/workflow/internal/durabletask/utils/pb-helper.util.js";
import { OrchestrationExecutor } from "@dapr/dapr/workflow/internal/durabletask/worker/orchestration-executor.js";
import type { Registry } from "@dapr/dapr/workflow/internal/durabletask/worker/registry.js";
import { type Did, didBy, type Heard, type Turn } from "./history.js";
import type { Workflow } from "./workflow.js";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const text = (value: unknown) => (value === null ? undefined : JSON.stringify(value));

function eventOf(one: Heard | Did): pb.HistoryEvent {
  if ("started" in one) return make.newExecutionStartedEvent(one.started, "replayed", text(one.input));
  if ("event" in one) return make.newEventRaisedEvent(one.event, text(one.data));
  if ("fired" in one) return make.newTimerFiredEvent(one.fired, new Date(0));
  if ("completed" in one) return make.newTaskCompletedEvent(one.completed, text(one.result));
  if ("failed" in one) return make.newTaskFailedEvent(one.failed, new Error(one.message));
  if ("timer" in one) return make.newTimerCreatedEvent(one.timer, new Date(one.until));
  if ("activity" in one) return make.newTaskScheduledEvent(one.activity, one.name, text(one.input));
  if ("other" in one) throw new Error(`what an operator did to a saga (${one.other}) is not replayed`);
  return new pb.HistoryEvent().setExecutioncompleted(new pb.ExecutionCompletedEvent());
}

/**
 * What the present code does where the history says what was done: the SDK's own executor meets each turn with all
 * earlier ones behind it, as it does in the running system. Where both differ, instances under way could not go on.
 */
export async function replay(workflows: Record<string, Workflow<never>>, history: Turn[]): Promise<Did[][]> {
  const runtime = new WorkflowRuntime();
  for (const [name, workflow] of Object.entries(workflows)) runtime.registerWorkflowWithName(name, workflow as never);
  const { _registry } = (runtime as unknown as { worker: { _registry: Registry } }).worker;
  const past: pb.HistoryEvent[] = [];
  const did: Did[][] = [];
  for (const turn of history) {
    const news = [make.newOrchestratorStartedEvent(new Date(turn.at)), ...turn.heard.map(eventOf)];
    const executor = new OrchestrationExecutor(_registry);
    Object.assign(executor, { logger: silent });
    const { actions } = await executor.execute("replayed", past, news);
    did.push(actions.map(didBy));
    past.push(...news, ...turn.did.map(eventOf));
  }
  return did;
}
