import type { StockView } from "../contracts/inventory.js";
import { toDecimal, toMinor } from "../contracts/money.js";
import type { OrderView, TimelineEntry } from "../contracts/order.js";
import type { PaymentView } from "../contracts/payment.js";
import { ask } from "./api.js";
import { useAsked, useNow } from "./asked.js";
import { SagaDrawing } from "./drawing.js";
import { type Story, useStory } from "./live.js";
import { Moves } from "./moves.js";
import { Notifications } from "./notifications.js";
import { Badge, Bones, Empty, StatusBadge } from "./parts.js";
import { type Picture, picture } from "./picture.js";
import { askToSignIn, isStaff, session } from "./session.js";
import { Timeline } from "./timeline.js";
import { clock, codeWords, countdown, methodName, money, short, type Tone, when } from "./words.js";

/** What happened to one order, in one look. */
export function OrderPage({ id }: { id: string }) {
  const who = session.use();
  const story = useStory(id);
  const { order, refusal } = story;
  if (!who)
    return (
      <main id="main" tabIndex={-1}>
        <Empty title="Whose order is it?">
          <button type="button" class="button first" onClick={() => askToSignIn()}>
            Sign in to see it
          </button>
        </Empty>
      </main>
    );
  if (refusal)
    return (
      <main id="main" tabIndex={-1}>
        <Empty title="There is no such order">Or it is another customer's. Its number was {id}.</Empty>
      </main>
    );
  return (
    <main id="main" tabIndex={-1} class="order">
      <header class="page">
        <div>
          <p class="crumb">
            <a href={isStaff(who) ? "#/desk" : "#/orders"}>{isStaff(who) ? "Desk" : "Orders"}</a>
          </p>
          <h1>
            Order <span class="mono">{short(id)}</span> {order && <StatusBadge status={order.status} />}
          </h1>
          {order && (
            <p class="sub">
              {when(order.created_at)} · {order.items.length === 1 ? "one product" : `${order.items.length} products`} ·{" "}
              {money(order.total, order.currency)}
            </p>
          )}
        </div>
        {order && <Moves order={order} payments={story.payments} changed={story.reload} />}
      </header>
      {order ? <Facts story={story} order={order} /> : <Bones rows={4} tall />}
    </main>
  );
}

function Facts({ story, order }: { story: Story; order: OrderView }) {
  const { timeline, payments, connected } = story;
  const drawn = picture({ order, timeline, payments });
  return (
    <>
      <section class="card stage" aria-label="The saga">
        <Headline drawn={drawn} connected={connected} />
        <SagaDrawing drawn={drawn} />
      </section>
      <div class="pair">
        <Money order={order} payments={payments} />
        <Goods order={order} timeline={timeline} />
      </div>
      <section class="card">
        <h2>What happened</h2>
        <Timeline order={order} entries={timeline} />
      </section>
      <Notifications order={order} />
    </>
  );
}

/** The one sentence, and how long the customer may still pay. */
export function Headline({ drawn, connected }: { drawn: Picture; connected: boolean }) {
  const now = useNow();
  const left = drawn.payBy ? Date.parse(drawn.payBy) - now : 0;
  return (
    <div class="headline">
      <p aria-live="polite">{drawn.summary}</p>
      {drawn.payBy && (
        <Badge tone="wait">
          <span class="clock">{left > 0 ? `${countdown(left)} left to pay` : "time to pay is over"}</span>
        </Badge>
      )}
      <span class={`live ${connected ? "" : "lost"}`}>{connected ? "live" : "reconnecting"}</span>
    </div>
  );
}

const outcome: Record<PaymentView["status"], { tone: Tone; word: string }> = {
  pending: { tone: "wait", word: "under way" },
  succeeded: { tone: "ok", word: "taken" },
  failed: { tone: "fail", word: "refused" },
};

function Money({ order, payments }: { order: OrderView; payments: PaymentView[] }) {
  const { currency } = order;
  const sum = (some: PaymentView[]) => some.reduce((all, { amount }) => all + (toMinor(amount, currency) ?? 0), 0);
  const own = payments.filter((payment) => payment.currency === currency && payment.status === "succeeded");
  const kept = sum(own) - sum(own.filter(({ refund }) => refund?.status === "done"));
  return (
    <section class="card">
      <h2>Money</h2>
      {payments.length === 0 && <p class="still">Nothing was tried yet.</p>}
      <ul class="lines">
        {payments.map(({ payment_id, attempt, method, amount, status, code, payment_date, refund, currency }) => (
          <li key={payment_id}>
            <div>
              <b>{attempt === null ? "Paid outside" : `Attempt ${attempt}`}</b>
              <small>{attempt === null ? method : methodName(method)}</small>
            </div>
            <div class="end">
              <b class="figure">{money(amount, currency)}</b>
              <Badge tone={outcome[status].tone}>
                {status === "failed" ? codeWords(code) : outcome[status].word}
                {payment_date && ` ${clock(payment_date)}`}
              </Badge>
              {refund && (
                <Badge tone="back">
                  {refund.status === "done"
                    ? "given back"
                    : refund.status === "failed"
                      ? "refund failed, tried again"
                      : "refund under way"}
                  {refund.refunded_at && ` ${clock(refund.refunded_at)}`}
                </Badge>
              )}
            </div>
          </li>
        ))}
      </ul>
      <dl class="sum">
        {order.tax !== toDecimal(0, currency) && (
          <>
            <dt>Tax in it</dt>
            <dd class="figure">{money(order.tax, currency)}</dd>
          </>
        )}
        <dt>Order total</dt>
        <dd class="figure">{money(order.total, currency)}</dd>
        <dt>We hold</dt>
        <dd class="figure">{money(toDecimal(kept, currency), currency)}</dd>
      </dl>
    </section>
  );
}

/** How many products' stock is asked for. */
const most = 8;

function Goods({ order, timeline }: { order: OrderView; timeline: TimelineEntry[] }) {
  const released = timeline.some(({ name }) => name === "inventory.released");
  const { data: stock } = useAsked(
    () =>
      Promise.all(
        order.items
          .slice(0, most)
          .map(({ product_id }) =>
            ask("GET /inventory/{product_id}", { params: { product_id } }).catch(() => undefined),
          ),
      ),
    [order.id, order.status, released],
  );
  return (
    <section class="card">
      <h2>Goods</h2>
      <ul class="lines">
        {order.items.map(({ product_id, name, quantity, price }, n) => (
          <li key={product_id}>
            <div>
              <b>
                {quantity} × {name}
              </b>
              <small>{money(price, order.currency)} each</small>
              <Shelf stock={stock?.[n]} />
            </div>
            <div class="end">
              <GoodsBadge order={order} released={released} />
            </div>
          </li>
        ))}
      </ul>
      {order.customer_notes && (
        <blockquote>
          <small>The customer notes</small>
          {order.customer_notes}
        </blockquote>
      )}
    </section>
  );
}

function GoodsBadge({ order: { status, reservation }, released }: { order: OrderView; released: boolean }) {
  if (released) return <Badge tone="back">back on the shelf</Badge>;
  if (status === "cancelled") return <Badge tone="wait">on its way back</Badge>;
  if (status === "delivered") return <Badge tone="ok">delivered</Badge>;
  return reservation ? <Badge tone="go">reserved</Badge> : <Badge tone="wait">held</Badge>;
}

const Shelf = ({ stock }: { stock: StockView | undefined }) =>
  stock ? (
    <small class="figure">
      stock now: {stock.available} free, {stock.held} held, {stock.reserved} reserved
    </small>
  ) : null;
