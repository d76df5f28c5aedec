import { useState } from "preact/hooks";
import type { Process, ProcessAction, Statement } from "../contracts/console.js";
import { demoProducts } from "../contracts/demo.js";
import type { PaymentMethod } from "../contracts/payment.js";
import { ask, askAs, send } from "./api.js";
import { sentence, useAsked, useCommand } from "./asked.js";
import { SagaDrawing } from "./drawing.js";
import { info } from "./info.js";
import { useStory } from "./live.js";
import { Headline } from "./order.js";
import { Badge, Bones, Button, Empty, OrderLink, Trouble } from "./parts.js";
import { Methods } from "./pay.js";
import { picture } from "./picture.js";
import { askToSignIn, isAdmin, session } from "./session.js";
import { kept } from "./store.js";
import { type Mark, Timeline } from "./timeline.js";
import { type Verdict, verdict } from "./verdict.js";

const act = (name: string, action: ProcessAction) =>
  send("POST /proof/processes/{name}/{action}", { params: { name, action } }, session.get()?.token);

/** Who buys on this page: a customer made for it, once per tab. */
const visitor = kept<{ email: string; password: string } | null>(sessionStorage, "visitor", null);

async function visitorToken(): Promise<string> {
  let known = visitor.get();
  if (!known) {
    const mark = Math.random().toString(36).slice(2, 10);
    known = { email: `visitor-${mark}@orders.local`, password: `visitor-${mark}` };
    await ask("POST /users", { body: { ...known, name: "A visitor" } });
    visitor.set(known);
  }
  return (await ask("POST /auth/token", { body: known })).access_token;
}

async function place(payment_method: PaymentMethod, key: string): Promise<string> {
  const [cups] = demoProducts;
  const token = await visitorToken();
  const { items } = await ask("GET /products", { query: { limit: 20 } });
  const product = items.find(({ id }) => id === cups?.id) ?? items[0];
  if (!product) throw new Error("The catalogue is empty: add a product first.");
  const order = await askAs(token, "POST /orders", {
    headers: { "idempotency-key": key },
    body: { items: [{ product_id: product.id, quantity: 1 }], payment_method },
  });
  return order.id;
}

type Blow = { label: string; names: string[]; action: ProcessAction; says: string };
const killPayment: Blow = { label: "Kill payment", names: ["payment"], action: "kill", says: "payment was killed" };
const blows: Blow[] = [
  killPayment,
  { label: "Kill order service", names: ["order"], action: "kill", says: "the order service was killed" },
  { label: "Kill inventory", names: ["inventory"], action: "kill", says: "inventory was killed" },
  {
    label: "Kill the saga's sidecar",
    names: ["order-daprd"],
    action: "kill",
    says: "the sidecar that runs the saga was killed",
  },
  { label: "Kill PostgreSQL", names: ["postgres"], action: "kill", says: "PostgreSQL was killed" },
];

/** What was done to the system, and when. */
type Hit = Mark & { names: string[] };
type Run = { orderId?: string; hits: Hit[] };
const nothing: Run = { hits: [] };

/** The blow that counts is the first. */
const struck = ({ hits }: Run, { names, says }: Pick<Blow, "names" | "says">, good = false) => [
  ...hits,
  { at: Date.now(), says: sentence(says), names, good },
];

/** Break something, and watch the order come to a right end. */
export function Proof() {
  const { proof } = info.use();
  const who = session.use();
  if (!proof)
    return (
      <Closed title="There is nothing to break here">
        Only a system that was started by npm start on your own machine has this page.
      </Closed>
    );
  if (!isAdmin(who))
    return (
      <Closed title="Breaking things is the admin's">
        <button type="button" class="button first" onClick={() => askToSignIn()}>
          Sign in as admin
        </button>
      </Closed>
    );
  return <Stage />;
}

const Closed = ({ title, children }: { title: string; children: preact.ComponentChildren }) => (
  <main id="main" tabIndex={-1}>
    <Empty title={title}>{children}</Empty>
  </main>
);

function Stage() {
  const [run, setRun] = useState<Run>(nothing);
  const [method, setMethod] = useState<PaymentMethod>("card_timeout_then_ok");
  const command = useCommand();
  const { data, error, reload } = useAsked(
    async () => (await send("GET /proof/processes", {}, session.get()?.token)) as { items: Process[] },
    [],
    1_000,
  );
  const processes = data?.items;

  const hit = async (blow: Blow) => {
    await command.run(async () => {
      await Promise.all(blow.names.map((name) => act(name, blow.action)));
      setRun((before) => ({ ...before, hits: struck(before, blow, blow.action === "start") }));
    });
    void reload();
  };
  const start = () =>
    void command.run(async ({ "idempotency-key": key }) => {
      setRun(nothing);
      setRun({ orderId: await place(method, key), hits: [] });
    });
  const showMe = () =>
    void command.run(async ({ "idempotency-key": key }) => {
      setRun(nothing);
      setMethod("card_timeout_then_ok");
      const orderId = await place("card_timeout_then_ok", key);
      setRun({ orderId, hits: [] });
      // The provider has the money by then and has not said so: the worst moment.
      await new Promise((resume) => setTimeout(resume, 700));
      await act("payment", "kill");
      setRun({ orderId, hits: struck(nothing, killPayment) });
      void reload();
    });

  return (
    <main id="main" tabIndex={-1} class="proof">
      <header class="page">
        <div>
          <h1>Break it</h1>
          <p class="sub">
            A real order, real processes, a real kill -9. The supervisor starts again what dies; Dapr and the saga do
            the rest.
          </p>
        </div>
        <Button kind="first" busy={command.busy} onClick={showMe}>
          Show me
        </Button>
      </header>
      <Trouble error={command.error} />
      <div class="split">
        <div>
          <Watched run={run} processes={processes ?? []} />
        </div>
        <aside>
          <section class="card">
            <h2>By hand</h2>
            <Methods chosen={method} choose={setMethod} name="proof" />
            <Button busy={command.busy} onClick={start}>
              Place an order
            </Button>
            <h3>Then break something</h3>
            <div class="moves">
              {blows.map((blow) => (
                <Button
                  key={blow.label}
                  kind="danger"
                  disabled={!processes}
                  busy={command.busy}
                  onClick={() => void hit(blow)}
                >
                  {blow.label}
                </Button>
              ))}
              <Redis processes={processes} busy={command.busy} hit={hit} />
            </div>
          </section>
          <section class="card">
            <h2>Processes</h2>
            {!processes && (error ? <Trouble error={error} /> : <Bones rows={8} />)}
            <ProcessList
              processes={processes ?? []}
              act={(name, action) => void command.run(() => act(name, action)).then(() => reload())}
            />
          </section>
        </aside>
      </div>
    </main>
  );
}

function Redis({
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
      onClick={() =>
        hit({ label: "", names: ["redis"], action, says: stopped ? "Redis was started again" : "Redis was stopped" })
      }
    >
      {stopped ? "Start Redis" : "Stop Redis"}
    </Button>
  );
}

function Watched({ run: { orderId, hits }, processes }: { run: Run; processes: Process[] }) {
  const story = useStory(orderId);
  const { order, timeline, payments, connected } = story;
  const { data: statement } = useAsked(
    async () =>
      orderId
        ? ((await send("GET /proof/ledger/{id}", { params: { id: orderId } }, session.get()?.token)) as Statement)
        : undefined,
    [orderId, order?.version],
    2_000,
  );
  if (!orderId)
    return (
      <section class="card stage">
        <Empty title="Nothing is broken yet">
          “Show me” places an order, kills the payment service after the provider has taken the money and before it has
          said so, and waits for the verdict. It takes about ten seconds.
        </Empty>
      </section>
    );
  if (!order) return <Bones rows={4} tall />;
  const drawn = picture({ order, timeline, payments });
  const since = hits[0]?.at;
  return (
    <>
      <VerdictCard
        said={since ? verdict({ order, timeline, statement, since }) : undefined}
        what={hits.map(({ says }) => says).join(" ")}
      />
      <section class="card stage" aria-label="The saga">
        <p class="crumb">
          Order <OrderLink id={order.id} />
        </p>
        <Headline drawn={drawn} connected={connected} />
        <SagaDrawing drawn={drawn} />
      </section>
      <section class="card">
        <h2>What happened</h2>
        <Timeline order={order} entries={timeline} marks={[...hits, ...risen(hits, processes)]} />
      </section>
    </>
  );
}

/** What was killed and runs again since. */
const risen = (hits: Hit[], processes: Process[]): Mark[] =>
  processes.flatMap(({ name, state, since, pid }) => {
    const killed = hits.find(({ names, good }) => !good && names.includes(name));
    const at = Date.parse(since);
    return killed && state === "running" && at > killed.at
      ? [{ at, says: `${sentence(name).slice(0, -1)} runs again, as process ${pid}.`, good: true }]
      : [];
  });

function VerdictCard({ said, what }: { said: Verdict | undefined; what: string }) {
  return (
    <section class={`card verdict ${said?.state ?? ""}`} role="status" aria-label="Verdict">
      <h2>{said ? said.title : "Nothing was broken yet"}</h2>
      <p>{what || "Break something while the order is under way."}</p>
      {said && said.checks.length > 0 && (
        <ul>
          {said.checks.map(({ is, says }) => (
            <li key={says} class={is ? "ok" : "fail"}>
              {says}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

const stateTone = { running: "ok", paused: "wait", restarting: "fail", stopped: "fail" } as const;

function ProcessList({ processes, act }: { processes: Process[]; act: (name: string, action: ProcessAction) => void }) {
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
