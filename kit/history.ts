import { GrpcClient } from "@dapr/dapr/workflow/internal/durabletask/client/client-grpc.js";
import pb from "@dapr/dapr/workflow/internal/durabletask/proto/orchestrator_service_pb.js";
import { generateApiTokenClientInterceptors } from "@dapr/dapr/workflow/internal/index.js";
import type { GrpcSidecar } from "./dapr.js";

// What an instance of a workflow heard and did, turn by turn, as daprd keeps it.

/** `id`: the number of the timer or activity, counted within the instance. */
export type Heard =
  | { started: string; input: unknown }
  | { event: string; data: unknown }
  | { fired: number }
  | { completed: number; result: unknown }
  | { failed: number; message: string }
  /** What no saga of ours meets by itself: an operator suspended or ended it. */
  | { other: number };
export type Did =
  | { timer: number; until: string }
  | { activity: number; name: string; input: unknown }
  | { ended: string };
export type Turn = { at: string; heard: Heard[]; did: Did[] };

const parsed = (text: string | undefined): unknown => (text ? JSON.parse(text) : null);
const statusOf = (code: number): string =>
  Object.keys(pb.OrchestrationStatus)
    .find((name) => pb.OrchestrationStatus[name as "ORCHESTRATION_STATUS_FAILED"] === code)
    ?.replace("ORCHESTRATION_STATUS_", "") ?? String(code);

function heardIn(event: pb.HistoryEvent): Heard {
  const is = event.toObject();
  if (is.executionstarted)
    return { started: is.executionstarted.name, input: parsed(is.executionstarted.input?.value) };
  if (is.eventraised) return { event: is.eventraised.name, data: parsed(is.eventraised.input?.value) };
  if (is.timerfired) return { fired: is.timerfired.timerid };
  if (is.taskcompleted)
    return { completed: is.taskcompleted.taskscheduledid, result: parsed(is.taskcompleted.result?.value) };
  if (is.taskfailed)
    return { failed: is.taskfailed.taskscheduledid, message: is.taskfailed.failuredetails?.errormessage ?? "" };
  return { other: event.getEventtypeCase() };
}

function didIn(event: pb.HistoryEvent): Did | undefined {
  const is = event.toObject();
  if (is.timercreated) return { timer: is.eventid, until: isoOf(event.getTimercreated()?.getFireat()) };
  if (is.taskscheduled)
    return { activity: is.eventid, name: is.taskscheduled.name, input: parsed(is.taskscheduled.input?.value) };
  if (is.executioncompleted) return { ended: statusOf(is.executioncompleted.orchestrationstatus) };
  return undefined;
}

/** The same of what the executor would have daprd do. */
export function didBy(action: pb.OrchestratorAction): Did {
  const is = action.toObject();
  if (is.createtimer) return { timer: is.id, until: isoOf(action.getCreatetimer()?.getFireat()) };
  if (is.scheduletask)
    return { activity: is.id, name: is.scheduletask.name, input: parsed(is.scheduletask.input?.value) };
  return { ended: statusOf(is.completeorchestration?.orchestrationstatus ?? -1) };
}

type Stamp = ReturnType<pb.HistoryEvent["getTimestamp"]>;
const isoOf = (time: Stamp): string => (time as NonNullable<Stamp>).toDate().toISOString();

function turnsOf(events: pb.HistoryEvent[]): Turn[] {
  const turns: Turn[] = [];
  for (const event of events) {
    if (event.hasOrchestratorstarted()) {
      turns.push({ at: isoOf(event.getTimestamp()), heard: [], did: [] });
      continue;
    }
    const did = didIn(event);
    const turn = turns.at(-1);
    if (did) turn?.did.push(did);
    else turn?.heard.push(heardIn(event));
  }
  return turns;
}

const path = "/TaskHubSidecarService/GetInstanceHistory";

/** What an instance has heard and done so far. The SDK's client lacks this call, which the Dapr CLI uses. */
export async function historyOf({ DAPR_GRPC_PORT, DAPR_API_TOKEN }: GrpcSidecar, id: string): Promise<Turn[]> {
  const interceptors = [generateApiTokenClientInterceptors({ daprApiToken: DAPR_API_TOKEN ?? "" })];
  const { stub } = new GrpcClient(`127.0.0.1:${DAPR_GRPC_PORT}`, { interceptors });
  const request = new pb.GetInstanceRequest().setInstanceid(id);
  try {
    const events = await new Promise<pb.HistoryEvent[]>((done, fail) => {
      const reply = (error: Error | null, found?: pb.HistoryEvent[]) => (error ? fail(error) : done(found ?? []));
      const encode = (asked: pb.GetInstanceRequest) => Buffer.from(asked.serializeBinary());
      stub.makeUnaryRequest(path, encode, eventsIn, request, reply);
    });
    return turnsOf(events);
  } finally {
    stub.close();
  }
}

/** The reply is nothing but events: field 1, again and again, each with its length before it. */
function eventsIn(reply: Buffer): pb.HistoryEvent[] {
  const events: pb.HistoryEvent[] = [];
  for (let at = 0; at < reply.length; ) {
    if (reply[at++] !== 0x0a) throw new Error("this is no history");
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = reply[at++] as number;
      length += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    events.push(pb.HistoryEvent.deserializeBinary(reply.subarray(at, at + length)));
    at += length;
  }
  return events;
}
