import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Process } from "../contracts/console.js";
import type { PaymentMethod } from "../contracts/payment.js";
import { send } from "./api.js";
import { useAsked, useCommand } from "./asked.js";
import { info } from "./info.js";
import { Bones, Button, Empty, Trouble } from "./parts.js";
import { Methods } from "./pay.js";
import { ProcessList, Pulse, Redis } from "./processes.js";
import { askToSignIn, isAdmin, session } from "./session.js";
import { act, type Blow, blows, hitBy, killPayment, place, type Run } from "./trial.js";
import { Watched } from "./watched.js";

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

const Closed = ({ title, children }: { title: string; children: ComponentChildren }) => (
  <main id="main" tabIndex={-1}>
    <Empty title={title}>{children}</Empty>
  </main>
);

function Stage() {
  const [run, setRun] = useState<Run>({ hits: [] });
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
      await act(blow.name, blow.action);
      setRun((before) => ({ ...before, hits: [...before.hits, hitBy(blow)] }));
    });
    void reload();
  };
  /** What is stopped still counts for the next order. */
  const begin = (orderId?: string) => {
    const runs = (name: string) => processes?.some((one) => one.name === name && one.state === "running");
    setRun(({ hits }) => ({ orderId, hits: hits.filter(({ name }) => !runs(name)) }));
  };
  const order = async (payment_method: PaymentMethod, key: string) => {
    begin();
    begin(await place(payment_method, key));
  };
  const showMe = () =>
    command.run(async ({ "idempotency-key": key }) => {
      setMethod("card_timeout_then_ok");
      await order("card_timeout_then_ok", key);
      // The provider has the money by then and has not said so: the worst moment.
      await new Promise((resume) => setTimeout(resume, 700));
      await act(killPayment.name, killPayment.action);
      setRun((before) => ({ ...before, hits: [...before.hits, hitBy(killPayment)] }));
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
        <Button kind="first" busy={command.busy} onClick={() => void showMe()}>
          Show me
        </Button>
      </header>
      <Trouble error={command.error} />
      <Pulse processes={processes ?? []} />
      <div class="split">
        <div>
          <Watched key={run.orderId} run={run} processes={processes ?? []} />
        </div>
        <aside>
          <section class="card">
            <h2>By hand</h2>
            <Methods chosen={method} choose={setMethod} name="proof" />
            <Button
              busy={command.busy}
              onClick={() => void command.run((headers) => order(method, headers["idempotency-key"]))}
            >
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
            <ProcessList processes={processes ?? []} act={(name, action) => void hit({ name, action })} />
          </section>
        </aside>
      </div>
    </main>
  );
}
