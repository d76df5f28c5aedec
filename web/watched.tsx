import type { Process } from "../contracts/console.js";
import { sentence, useAsked } from "./asked.js";
import { SagaDrawing } from "./drawing.js";
import { useStory } from "./live.js";
import { Headline } from "./order.js";
import { Bones, Empty, OrderLink } from "./parts.js";
import { picture } from "./picture.js";
import { type Mark, Timeline } from "./timeline.js";
import { type Hit, ledgerOf, nameOf, type Run } from "./trial.js";
import { type Verdict, verdict } from "./verdict.js";

/** The order that is on trial, and the verdict. */
export function Watched({ run: { orderId, hits }, processes }: { run: Run; processes: Process[] }) {
  const story = useStory(orderId);
  const { order, timeline, payments, connected } = story;
  const { data: statement } = useAsked(
    () => (orderId ? ledgerOf(orderId) : Promise.resolve(undefined)),
    [orderId],
    1_000,
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
  const end = Date.parse(order.updated_at);
  const last = hits.findLast(({ at }) => at <= end) ?? hits[0];
  return (
    <>
      <VerdictCard
        said={last && verdict({ order, timeline, statement, hit: last })}
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
    const killed = hits.find((hit) => !hit.good && hit.name === name);
    const at = Date.parse(since);
    return killed && state === "running" && at > killed.at
      ? [{ at, says: sentence(`${nameOf(name)} runs again, as process ${pid}`), good: true }]
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
