import type { Process, ProcessAction } from "../contracts/console.js";
import { Badge, Button } from "./parts.js";
import type { Blow } from "./trial.js";

export function Redis({
  processes,
  busy,
  hit,
}: {
  processes: Process[] | undefined;
  busy: boolean;
  hit: (blow: Blow) => void;
}) {
  const redis = processes?.find(({ name }) => name === "redis");
  if (processes && !redis)
    return (
      <p class="still">
        <Button kind="danger" disabled>
          Stop Redis
        </Button>{" "}
        This Redis was there before us, and is not ours to stop (ORDERS_REDIS=own npm start has one of its own).
      </p>
    );
  const stopped = redis?.state === "stopped";
  const action = stopped ? "start" : "stop";
  return (
    <Button
      kind={stopped ? "first" : "danger"}
      disabled={!redis}
      busy={busy}
      onClick={() => hit({ name: "redis", action })}
    >
      {stopped ? "Start Redis" : "Stop Redis"}
    </Button>
  );
}

/** All but the sidecars, in one line. */
export const Pulse = ({ processes }: { processes: Process[] }) => (
  <ul class="pulse" aria-label="Processes">
    {processes
      .filter(({ name }) => !name.endsWith("-daprd"))
      .map(({ name, state, restarts }) => (
        <li key={name} class={stateTone[state]}>
          {name}
          <small class="figure">{state === "running" ? restarts > 0 && `↻${restarts}` : state}</small>
        </li>
      ))}
  </ul>
);

const stateTone = { running: "ok", paused: "wait", restarting: "fail", stopped: "fail" } as const;

export function ProcessList({
  processes,
  act,
}: {
  processes: Process[];
  act: (name: string, action: ProcessAction) => void;
}) {
  const sidecars = processes.filter(({ name }) => name.endsWith("-daprd"));
  const others = processes.filter((one) => !sidecars.includes(one));
  const row = ({ name, state, pid, restarts }: Process) => (
    <li key={name} data-process={name}>
      <span class="mono">{name}</span>
      <small class="figure">
        {pid ?? "–"}
        {restarts > 0 && ` · ${restarts} restart${restarts > 1 ? "s" : ""}`}
      </small>
      <Badge tone={stateTone[state]}>{state}</Badge>
      <Controls name={name} state={state} act={act} />
    </li>
  );
  return (
    <>
      <ul class="processes">{others.map(row)}</ul>
      {sidecars.length > 0 && (
        <details>
          <summary>{sidecars.length} sidecars</summary>
          <ul class="processes">{sidecars.map(row)}</ul>
        </details>
      )}
    </>
  );
}

function Controls({
  name,
  state,
  act,
}: {
  name: string;
  state: Process["state"];
  act: (name: string, action: ProcessAction) => void;
}) {
  // The way to these buttons leads through the gateway.
  const own = name.startsWith("api-gateway");
  const offered: ProcessAction[] =
    state === "running"
      ? own
        ? ["kill", "restart"]
        : ["kill", "pause", "stop"]
      : state === "paused"
        ? ["resume", "kill"]
        : ["start"];
  return (
    <div class="controls">
      {offered.map((action) => (
        <button
          type="button"
          key={action}
          class="link"
          aria-label={`${action} ${name}`}
          onClick={() => act(name, action)}
        >
          {action}
        </button>
      ))}
    </div>
  );
}
