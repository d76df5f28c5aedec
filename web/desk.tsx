import { useState } from "preact/hooks";
import type { OrderView, Status } from "../contracts/order.js";
import { ask } from "./api.js";
import { useAsked } from "./asked.js";
import { DeadLetters } from "./dead-letters.js";
import { Moves } from "./moves.js";
import { Badge, Bones, Empty, OrderLink, Trouble } from "./parts.js";
import { ReconciliationPage } from "./reconciliation.js";
import { askToSignIn, isAdmin, isStaff, session } from "./session.js";
import { age, money, statusTone, statusWords } from "./words.js";

/** For staff: what is to do. */
export function Desk({ part }: { part: string }) {
  const who = session.use();
  if (!isStaff(who))
    return (
      <main id="main" tabIndex={-1}>
        <Empty title="The desk is staff's">
          <button type="button" class="button first" onClick={() => askToSignIn()}>
            Sign in as staff
          </button>
        </Empty>
      </main>
    );
  const tab = (name: string, title: string) => (
    <a href={`#/desk/${name}`} aria-current={part === name ? "page" : undefined}>
      {title}
    </a>
  );
  return (
    <main id="main" tabIndex={-1} class="desk">
      <header class="page">
        <div>
          <h1>Desk</h1>
          <p class="sub">What is to do, the oldest first.</p>
        </div>
        <FindOrder />
      </header>
      {isAdmin(who) && (
        <nav class="tabs" aria-label="Desk">
          {tab("queue", "Orders")}
          {tab("letters", "Dead letters")}
          {tab("audit", "Reconciliation")}
        </nav>
      )}
      {part === "letters" && isAdmin(who) ? (
        <DeadLetters />
      ) : part === "audit" && isAdmin(who) ? (
        <ReconciliationPage />
      ) : (
        <Queue />
      )}
    </main>
  );
}

function FindOrder() {
  return (
    <search>
      <form
        class="find"
        onSubmit={(event) => {
          event.preventDefault();
          const id = new FormData(event.currentTarget).get("id")?.toString().trim();
          if (id) location.hash = `#/orders/${id}`;
        }}
      >
        <input
          type="search"
          name="id"
          placeholder="What happened to order …"
          aria-label="Number of an order"
          required
          pattern="\s*[0-9a-fA-F\-]{36}\s*"
          title="The whole number of an order"
        />
        <button type="submit" class="button">
          Look
        </button>
      </form>
    </search>
  );
}

const statuses: Status[] = [
  "processing",
  "shipped",
  "payment_required",
  "payment_failed",
  "paid",
  "delivered",
  "cancelled",
];
/** Asked for at once; a queue that has more says so. */
const most = 50;

/** Open ones from the oldest on, ended ones newest first. */
const pageOf = (status: Status) =>
  ask("GET /orders", {
    query: { status, limit: most, ...(!["delivered", "cancelled"].includes(status) && { offset: 0 }) },
  });

function Queue() {
  const [status, setStatus] = useState<Status>("processing");
  const { data, error, reload } = useAsked(
    async () => {
      const open = statuses.slice(0, 5);
      const pages = await Promise.all(
        [...new Set([...open, status])].map(async (one) => [one, (await pageOf(one)).items] as const),
      );
      return new Map<Status, OrderView[]>(pages);
    },
    [status],
    3_000,
  );
  const orders = data?.get(status);
  const count = (one: Status) => {
    const found = data?.get(one)?.length;
    return found === undefined ? "" : found === most ? `${most}+` : String(found);
  };
  return (
    <section aria-label="Orders">
      <fieldset class="filters" aria-label="Status">
        {statuses.map((one) => (
          <button key={one} type="button" aria-pressed={one === status} onClick={() => setStatus(one)}>
            <Badge tone={statusTone[one]}>{statusWords[one]}</Badge>
            <span class="count figure">{count(one)}</span>
          </button>
        ))}
      </fieldset>
      <Trouble error={error} />
      {!orders && !error && <Bones rows={6} />}
      {orders?.length === 0 && <Empty title="Nothing here">No order is “{statusWords[status]}”.</Empty>}
      {orders && orders.length > 0 && (
        <ul class="rows">
          {orders.map((order) => (
            <li key={order.id} data-order={order.id}>
              <OrderLink id={order.id} />
              <span class="what">{order.items.map(({ name, quantity }) => `${quantity} × ${name}`).join(", ")}</span>
              <small>
                {age(Date.now() - Date.parse(order.created_at))} · customer{" "}
                <span class="mono">{order.user_id.slice(-6)}</span>
              </small>
              <b class="figure">{money(order.total, order.currency)}</b>
              <Moves order={order} changed={() => void reload()} only={["ship", "deliver", "record", "cancel"]} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
