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
import { act, type Blow, blows, killPayment, nothing, place, type Run, struck } from "./trial.js";
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
      await act(blow.name, blow.action);
      setRun((before) => ({ ...before, hits: struck(before, blow) }));
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
      <Pulse processes={processes ?? []} />
      <div class="split">
        <div>
          <Watched key={run.orderId} run={run} processes={processes ?? []} />
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
