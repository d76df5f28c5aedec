import pb from "@dapr/dapr/workflow/internal/durabletask/proto/orchestrator_service_pb.js";
import * as make from "@dapr/dapr/workflow/internal/durabletask/utils/pb-helper.util.js";
import { expect, test } from "vitest";
import { thrownBack } from "./workflow.js";

const ended = (status: number, error?: Error) =>
  new pb.OrchestratorResponse()
    .setInstanceid("one")
    .setActionsList([
      make.newCompleteOrchestrationAction(1, status, undefined, error && make.newFailureDetails(error)),
    ]);

test("a turn that would fail a saga is answered with what no daprd can do, and says why", () => {
  const response = ended(pb.OrchestrationStatus.ORCHESTRATION_STATUS_FAILED, new Error("no such saga"));
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
    new pb.OrchestratorResponse().setActionsList([make.newCreateTimerAction(1, new Date(0))]),
    new pb.OrchestratorResponse(),
  ]) {
    const before = response.serializeBinary();
    expect(thrownBack(response)).toBe(undefined);
    expect(response.serializeBinary()).toEqual(before);
  }
});
