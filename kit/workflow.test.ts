import pb from "@dapr/dapr/workflow/internal/durabletask/proto/orchestrator_service_pb.js";
import * as make from "@dapr/dapr/workflow/internal/durabletask/utils/pb-helper.util.js";
import { afterEach, expect, test, vi } from "vitest";
import type { Logger } from "./log.js";
import { Unavailable } from "./problem.js";
import { thrownBack, work, workflows } from "./workflow.js";

const nobodyListens = 1;
const away = { call: async () => Promise.reject(new Error("away")) };

test("a worker whose sidecar is away can be stopped like any other", async () => {
  const worker = await new Promise<ReturnType<typeof work>>((died) => {
    const error = (_: object, text: string) => /Worker failed/.test(text) && died(started);
    const log = { warn: () => undefined, error } as unknown as Logger;
    const started = work({ DAPR_GRPC_PORT: nobodyListens }, away, { workflows: {}, activities: {} }, log);
  });
  await expect(worker.stop()).resolves.toBeUndefined();
});

afterEach(() => vi.useRealTimers());

/** An engine that cannot read some of its instances any more, or has let them fail. */
function engine(...instances: [id: string, state: string][]) {
  const states = new Map(instances);
  const told: string[] = [];
  const asked: string[] = [];
  const erased: string[] = [];
  const answer = (status: number, text = "") => ({ status, text, etag: undefined });
  const contradicts = "inbox key 'inbox-000000' declared in metadata but missing from state store";
  const call = async (method: string, path: string) => {
    asked.push(`${method} ${path}`);
    const starting = /start\?instanceID=(.*)$/.exec(path)?.[1];
    const id = starting ?? /dapr\/([^/]+)/.exec(path)?.[1] ?? "";
    if (states.get(id) === "LOST") return answer(500, contradicts);
    if (starting && states.get(id) === "NO JOB") {
      states.set(id, "PENDING");
      return answer(500, "the scheduler is away");
    }
    if (starting && states.get(id) === "ENDED, NO JOB") {
      states.set(id, "COMPLETED, NOT IN MIND");
      return answer(500, "the scheduler is away");
    }
    if (starting && ["RUNNING", "PENDING", "NO BEGINNING"].includes(states.get(id) ?? "")) return answer(409, "exists");
    if (states.get(id) === "COMPLETED, NOT IN MIND") {
      if (path.includes("raiseEvent")) states.set(id, "NO BEGINNING");
      return answer(200, JSON.stringify({ runtimeStatus: "COMPLETED" }));
    }
    // An instance that has ended begins anew when it is started again.
    if (starting) states.set(id, "RUNNING");
    const runtimeStatus = states.get(id);
    if (!runtimeStatus) return answer(404);
    if (path.includes("raiseEvent")) told.push(id);
    if (runtimeStatus === "NO BEGINNING") return answer(200, JSON.stringify({ runtimeStatus: "PENDING" }));
    return answer(202, JSON.stringify({ runtimeStatus }));
  };
  const must = async (part: string, method: string, path: string) => {
    const found = await call(method, path);
    if (found.status >= 300) throw new Unavailable(part, new Error(found.text));
    return found;
  };
  const erase = async (id: string) => {
    erased.push(id);
    states.delete(id);
  };
  const lackBeginning = async (id: string) => states.get(id) === "NO BEGINNING";
  return { told, asked, erased, states, workflows: workflows({ call, must }, { erase, lackBeginning }) };
}
const hint = {
  workflow: "saga-v1",
  id: "order",
  input: {},
  from: new Date(0).toISOString(),
  event: "changed",
  data: {},
};
const later = 30_000;

test("what cannot be read is not given up at once, nor because it could not be read long ago", async () => {
  vi.useFakeTimers();
  const { workflows, erased } = engine(["order", "LOST"]);
  await expect(workflows.tell(hint)).rejects.toThrow("workflow");
  vi.advanceTimersByTime(100 * later);
  await expect(workflows.tell(hint)).rejects.toThrow("workflow");
  expect(erased).toEqual([]);
});

test.each(["tell", "start", "replaceDead"] as const)(
  "an instance that stays lost is erased and begins anew: %s",
  async (act) => {
    vi.useFakeTimers();
    const { workflows, erased, states, told } = engine(["order", "LOST"]);
    await expect(workflows[act](hint)).rejects.toThrow("workflow");
    vi.advanceTimersByTime(later);
    await workflows[act](hint);
    await workflows[act](hint);
    expect(erased).toEqual(["order"]);
    expect([...states]).toEqual([["order", "RUNNING"]]);
    // What begins anew knows from its input what it would be told.
    expect(told).toEqual(act === "tell" ? ["order"] : []);
  },
);

test("one that has failed begins anew, one that runs is left alone", async () => {
  const { workflows, erased, states } = engine(["failed", "FAILED"], ["runs", "RUNNING"]);
  await workflows.replaceDead({ ...hint, id: "failed" });
  await workflows.replaceDead({ ...hint, id: "runs" });
  expect([...states.values()]).toEqual(["RUNNING", "RUNNING"]);
  expect(erased).toEqual([]);
});

test("an instance that is not there yet is started, with what it would be told", async () => {
  const { workflows, told, states } = engine();
  await workflows.tell(hint);
  expect(told).toEqual([]);
  expect([...states]).toEqual([["order", "RUNNING"]]);
});

test("an instance that is stored without the job that begins it gets one by an event", async () => {
  const { workflows, told, erased } = engine(["order", "NO JOB"]);
  expect(await workflows.start(hint)).toBe(false);
  expect(told).toEqual(["order"]);
  await workflows.start(hint);
  expect(told).toEqual(["order", "order"]);
  expect(erased).toEqual([]);
});

test("one that had ended and could not be begun anew begins anew all the same", async () => {
  const { workflows, erased, states } = engine(["order", "ENDED, NO JOB"]);
  expect(await workflows.start(hint)).toBe(true);
  expect(erased).toEqual(["order"]);
  expect([...states]).toEqual([["order", "RUNNING"]]);
});

test.each(["start", "replaceDead", "wake"] as const)(
  "one without a beginning is erased and begins anew: %s",
  async (act) => {
    const { workflows, erased, states } = engine(["order", "NO BEGINNING"]);
    await workflows[act](hint);
    expect(erased).toEqual(["order"]);
    expect([...states]).toEqual([["order", "RUNNING"]]);
  },
);

test.each(["RUNNING", "COMPLETED"])(
  "one that has lost its job is told something, and does not begin anew: %s",
  async (state) => {
    const { workflows, told, states } = engine(["order", state]);
    await workflows.wake(hint);
    expect(told).toEqual(["order"]);
    expect([...states]).toEqual([["order", state]]);
  },
);

test("before its time an instance is started without being asked for; one that is there all the same is told", async () => {
  const early = { ...hint, from: new Date(Date.now() + later).toISOString() };
  const { workflows, told, asked } = engine();
  await workflows.tell(early);
  expect(asked).toEqual(["POST /v1.0/workflows/dapr/saga-v1/start?instanceID=order"]);
  expect(told).toEqual([]);
  await workflows.tell(early);
  expect(told).toEqual(["order"]);
});

test("one that this process has begun is told at once, and started again only when it is gone", async () => {
  const early = { ...hint, from: new Date(Date.now() + later).toISOString() };
  const { workflows, told, asked, states } = engine();
  await workflows.tell(early);
  await workflows.tell(early);
  expect(asked.slice(1)).toEqual(["POST /v1.0/workflows/dapr/order/raiseEvent/changed"]);
  expect(told).toEqual(["order"]);
  states.delete("order");
  await workflows.tell(early);
  expect([...states]).toEqual([["order", "RUNNING"]]);
});

const ended = (status: number, error?: Error) =>
  new pb.OrchestratorResponse()
    .setInstanceid("one")
    .setActionsList([
      make.newCompleteOrchestrationAction(1, status, undefined, error && make.newFailureDetails(error)),
    ]);

class OrchestratorNotRegisteredError extends Error {}
const failed = pb.OrchestrationStatus.ORCHESTRATION_STATUS_FAILED;

test("a turn that would fail a saga for its version is answered with what no daprd can do, and says why", () => {
  const response = ended(failed, new OrchestratorNotRegisteredError("no such saga"));
  expect(thrownBack(response)).toBe("no such saga");
  const bytes = response.serializeBinary();
  expect([...bytes.slice(-4)]).toEqual([0x12, 2, 0x5a, 0]);
  const read = pb.OrchestratorResponse.deserializeBinary(bytes);
  expect([read.getInstanceid(), read.getActionsList().map((action) => action.getOrchestratoractiontypeCase())]).toEqual(
    ["one", [pb.OrchestratorAction.OrchestratoractiontypeCase.ORCHESTRATORACTIONTYPE_NOT_SET]],
  );
});

test("every other answer goes through as it is", () => {
  for (const response of [
    ended(pb.OrchestrationStatus.ORCHESTRATION_STATUS_COMPLETED),
    ended(failed, new Error("a spoilt history")),
    new pb.OrchestratorResponse().setActionsList([make.newCreateTimerAction(1, new Date(0))]),
    new pb.OrchestratorResponse(),
  ]) {
    const before = response.serializeBinary();
    expect(thrownBack(response)).toBe(undefined);
    expect(response.serializeBinary()).toEqual(before);
  }
});

test("every step has an id of its own, also one of the same number in an instance that begins anew", () => {
  const bytes = () => {
    const action = make.newScheduleTaskAction(1, "askAgain", "{}");
    return Buffer.from(new pb.OrchestratorResponse().setActionsList([action]).serializeBinary()).toString("latin1");
  };
  const idOf = (text: string) => /\x2a\x24([0-9a-f-]{36})/.exec(text)?.[1];
  expect(idOf(bytes())).toBeDefined();
  expect(idOf(bytes())).not.toBe(idOf(bytes()));
});
