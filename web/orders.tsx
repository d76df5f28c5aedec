import { useEffect, useState } from "preact/hooks";
import type { OrderView } from "../contracts/order.js";
import { ask } from "./api.js";
import { useAsked } from "./asked.js";
import { useChanges } from "./live.js";
import { Moves } from "./moves.js";
import { Bones, Empty, OrderLink, StatusBadge, Trouble } from "./parts.js";
import { askToSignIn, isCustomer, session } from "./session.js";
import { age, money } from "./words.js";

/** The order as it is now; `follow` false: as it was given. */
export function useLiveOrder(given: OrderView, follow = true) {
  const [order, setOrder] = useState(given);
  const reload = () => void ask("GET /orders/{id}", { params: { id: given.id } }).then(setOrder, () => undefined);
  useEffect(() => setOrder((before) => (before.version > given.version ? before : given)), [given.version]);
  useChanges(follow ? given.id : undefined, (entry) => {
    if (entry.seq > order.version) reload();
  });
  return { order, reload };
}

const ends = ["delivered", "cancelled"];
/** Streams that one page holds: a browser has six connections per host, for all its tabs. */
const followed = 2;

export function Orders() {
  const who = session.use();
  const { data, error } = useAsked(
    () => (who ? ask("GET /orders", { query: { limit: 50 } }) : Promise.resolve(undefined)),
    [who?.token],
    4_000,
  );
  const open = data?.items.filter(({ status }) => !ends.includes(status)).slice(0, followed) ?? [];
  return (
    <main id="main" tabIndex={-1}>
      <header class="page">
        <div>
          <h1>{who && !isCustomer(who) ? "All orders" : "Your orders"}</h1>
          <p class="sub">They move by themselves.</p>
        </div>
      </header>
      {!who && (
        <Empty title="Whose orders?">
          <button type="button" class="button first" onClick={() => askToSignIn()}>
            Sign in to see yours
          </button>
        </Empty>
      )}
      {who && !data && (error ? <Trouble error={error} /> : <Bones rows={5} />)}
      {data?.items.length === 0 && (
        <Empty title="None yet">
          Put something into the basket in the <a href="#/shop">shop</a>.
        </Empty>
      )}
      {data && data.items.length > 0 && (
        <ul class="rows">
          {data.items.map((order) => (
            <Row key={order.id} given={order} follow={open.includes(order)} />
          ))}
        </ul>
      )}
    </main>
  );
}

function Row({ given, follow }: { given: OrderView; follow: boolean }) {
  const { order, reload } = useLiveOrder(given, follow);
  const what = order.items.map(({ name, quantity }) => (quantity > 1 ? `${quantity} × ${name}` : name)).join(", ");
  return (
    <li data-order={order.id}>
      <OrderLink id={order.id} />
      <span class="what">{what}</span>
      <small>{age(Date.now() - Date.parse(order.created_at))} ago</small>
      <b class="figure">{money(order.total, order.currency)}</b>
      <span aria-live="polite">
        <StatusBadge status={order.status} />
      </span>
      <Moves order={order} changed={reload} only={["pay"]} />
    </li>
  );
}
