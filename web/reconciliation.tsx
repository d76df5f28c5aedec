import { useState } from "preact/hooks";
import type { Finding, Reconciliation } from "../contracts/admin.js";
import { ask } from "./api.js";
import { useAsked, useCommand } from "./asked.js";
import { Badge, Bones, Button, Empty, OrderLink, Trouble } from "./parts.js";
import { money, short, when } from "./words.js";

/** Whether money and stock are where the orders say: the last run, and a new one on demand. */
export function ReconciliationPage() {
  const [asked, setAsked] = useState(false);
  const {
    data: last,
    error,
    reload,
  } = useAsked(
    () =>
      ask("GET /admin/reconciliation").then((run) => {
        if (run.state !== "running") setAsked(false);
        return run;
      }),
    [asked],
    asked ? 500 : 5_000,
  );
  const { run, busy, error: refused } = useCommand();
  const running = asked || last?.state === "running";
  const start = async () => {
    if (await run(() => ask("POST /admin/reconciliation"))) setAsked(true);
    await reload();
  };
  return (
    <section aria-label="Reconciliation">
      <div class="headline">
        <p aria-live="polite">{last ? sentence(last, running) : "…"}</p>
        <Button kind="first" busy={busy || running} onClick={() => void start()}>
          {running ? "Comparing …" : "Compare all now"}
        </Button>
      </div>
      <Trouble error={refused ?? error} />
      {!last && !error && <Bones rows={3} />}
      {last && <Result last={last} />}
    </section>
  );
}

function sentence({ state, as_of, findings }: Reconciliation, running: boolean): string {
  if (running) return "Every order, payment and product is being compared.";
  if (state === "never") return "Nothing has been compared yet.";
  if (state === "failed") return "The last run did not come to its end: start another one.";
  const time = as_of ? ` As of ${when(as_of)}.` : "";
  return findings.length === 0
    ? `Money and stock are where the orders say.${time}`
    : `${findings.length} disagreements.${time}`;
}

function Result({ last: { coverage, drift, stock_drift, findings, scope } }: { last: Reconciliation }) {
  const drifts = Object.entries(drift);
  return (
    <>
      <dl class="tiles">
        <div>
          <dt>Orders compared</dt>
          <dd class="figure">{coverage.orders}</dd>
          <dd class="more">
            {coverage.skipped > 0
              ? `${coverage.skipped} of them under way`
              : scope === "all"
                ? "all of them"
                : "what had changed"}
          </dd>
        </div>
        <div>
          <dt>Products compared</dt>
          <dd class="figure">{coverage.products}</dd>
          <dd class="more">all of them</dd>
        </div>
        <div class={drifts.length > 0 ? "fail" : "ok"}>
          <dt>Money adrift</dt>
          <dd class="figure">
            {drifts.length > 0 ? drifts.map(([currency, amount]) => money(amount, currency)).join(", ") : "none"}
          </dd>
        </div>
        <div class={stock_drift > 0 ? "fail" : "ok"}>
          <dt>Units adrift</dt>
          <dd class="figure">{stock_drift > 0 ? stock_drift : "none"}</dd>
        </div>
      </dl>
      {findings.length === 0 ? (
        <Empty title="No findings">Orders, payments, the provider's ledger and the stock agree.</Empty>
      ) : (
        <ul class="rows">
          {findings.map((finding) => (
            <FindingRow key={`${finding.kind} ${finding.order_id} ${finding.product_id}`} finding={finding} />
          ))}
        </ul>
      )}
    </>
  );
}

const FindingRow = ({
  finding: { kind, order_id, product_id, currency, expected, found, detail },
}: {
  finding: Finding;
}) => (
  <li>
    <Badge tone="fail">{kind}</Badge>
    <span class="what">{detail}</span>
    <small>{order_id ? <OrderLink id={order_id} /> : <span class="mono">{short(product_id ?? "")}</span>}</small>
    <b class="figure">
      {currency ? money(found, currency) : found} instead of {currency ? money(expected, currency) : expected}
    </b>
  </li>
);
