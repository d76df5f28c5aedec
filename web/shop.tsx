import { useEffect, useState } from "preact/hooks";
import type { Problem } from "../contracts/common.js";
import { toDecimal, toMinor } from "../contracts/money.js";
import type { OrderView } from "../contracts/order.js";
import type { PaymentMethod } from "../contracts/payment.js";
import { ask, NoAnswer, Refusal } from "./api.js";
import { inWords, passes, sentence, useAsked } from "./asked.js";
import { answered, basket, type Checkout, keyFor, type Line, put, quantityOf } from "./basket.js";
import { Drawing } from "./goods.js";
import { info } from "./info.js";
import { useChanges } from "./live.js";
import { Moves } from "./moves.js";
import { Bones, Button, Empty, OrderLink, StatusBadge, Trouble } from "./parts.js";
import { Methods } from "./pay.js";
import { askToSignIn, isCustomer, session } from "./session.js";
import { age, money } from "./words.js";

type Offer = {
  id: string;
  name: string;
  description: string;
  price: string;
  currency: string;
  stock: { available: number } | null;
};
type Offers = { edges: { node: Offer }[]; pageInfo: { hasNextPage: boolean } };

const query = `query Shop($q: String, $first: Int) {
  products(q: $q, first: $first) {
    edges { node { id name description price currency stock { available } } }
    pageInfo { hasNextPage }
  }
}`;

async function offers(q: string, first: number): Promise<{ found: Offer[]; more: boolean }> {
  const { data } = await ask("POST /graphql", { body: { query, variables: { q: q || null, first } } });
  const found = (data as { products: Offers | null } | undefined)?.products;
  if (!found) throw new NoAnswer("The catalogue does not answer.");
  return { found: found.edges.map(({ node }) => node), more: found.pageInfo.hasNextPage };
}

export function Shop() {
  const { proof } = info.use();
  const [q, setQ] = useState("");
  const [first, setFirst] = useState(24);
  const { data, error, reload } = useAsked(() => offers(q, first), [q, first], 10_000);
  return (
    <main id="main" tabIndex={-1} class="shop">
      <header class="page">
        <div>
          <h1>Good coffee, safely ordered</h1>
          <p class="sub">Every order here comes to a right end, whatever breaks on its way.</p>
        </div>
        {proof && (
          <a class="button quiet" href="#/proof">
            See one survive a crash →
          </a>
        )}
      </header>
      <div class="split">
        <section aria-label="Products">
          <p class="search">
            <input
              type="search"
              placeholder="Search the catalogue"
              aria-label="Search the catalogue"
              maxLength={100}
              value={q}
              onInput={(event) => setQ(event.currentTarget.value)}
            />
          </p>
          {!data && !error && <Bones rows={6} tall />}
          {!data && <Trouble error={error} />}
          {data?.found.length === 0 && <Empty title="Nothing has that name">Try another word.</Empty>}
          <ul class="products">
            {data?.found.map((offer) => (
              <Product key={offer.id} offer={offer} />
            ))}
          </ul>
          {data?.more && first < 100 && <Button onClick={() => setFirst(100)}>Show more</Button>}
        </section>
        <aside>
          <Basket offers={data?.found ?? []} bought={() => void reload()} />
        </aside>
      </div>
    </main>
  );
}

function Product({ offer }: { offer: Offer }) {
  const quantity = quantityOf(basket.use(), offer.id);
  const left = offer.stock?.available ?? 0;
  return (
    <li class={left <= 0 ? "gone" : ""}>
      <Drawing name={offer.name} />
      <h2>{offer.name}</h2>
      <p>{offer.description}</p>
      <div class="offer">
        <b class="figure">{money(offer.price, offer.currency)}</b>
        <small class={left > 0 && left <= 5 ? "few" : ""}>
          {left <= 0 ? "Out of stock" : left <= 5 ? `Only ${left} left` : `${left} in stock`}
        </small>
      </div>
      {quantity > 0 ? (
        <Stepper line={{ product: offer, quantity }} />
      ) : (
        <Button disabled={left <= 0} aria-label={`Put ${offer.name} into the basket`} onClick={() => put(offer, 1)}>
          {left <= 0 ? "Sold out" : "Add"}
        </Button>
      )}
    </li>
  );
}

const Stepper = ({ line: { product, quantity } }: { line: Line }) => (
  <fieldset class="stepper" aria-label={`Quantity of ${product.name}`}>
    <button type="button" aria-label={`One ${product.name} less`} onClick={() => put(product, quantity - 1)}>
      −
    </button>
    <output class="figure">{quantity}</output>
    <button type="button" aria-label={`One ${product.name} more`} onClick={() => put(product, quantity + 1)}>
      +
    </button>
  </fieldset>
);

type Ended =
  | { kind: "placed"; order: OrderView }
  | { kind: "refused"; says: string }
  | { kind: "unknown"; says: string };

function Basket({ offers, bought }: { offers: Offer[]; bought: () => void }) {
  const lines = basket.use();
  const who = session.use();
  const [method, setMethod] = useState<PaymentMethod>("card_ok");
  const [notes, setNotes] = useState("");
  const [busy, setBusy] = useState(false);
  const [ended, setEnded] = useState<Ended>();
  const currencies = [...new Set(lines.map(({ product }) => product.currency))];
  const [currency = "EUR"] = currencies;
  const total = lines.reduce(
    (sum, { product, quantity }) => sum + (toMinor(product.price, product.currency) ?? 0) * quantity,
    0,
  );

  async function checkout(): Promise<void> {
    if (busy) return;
    if (!who) return askToSignIn("An order needs an account.");
    const items = lines.map(({ product, quantity }) => ({ product_id: product.id, quantity }));
    const wanted: Checkout = { items, payment_method: method, notes };
    setBusy(true);
    try {
      const order = await ask("POST /orders", {
        headers: { "idempotency-key": keyFor(wanted) },
        body: { items, payment_method: method, ...(notes && { customer_notes: notes }) },
      });
      answered();
      basket.set([]);
      setNotes("");
      setEnded({ kind: "placed", order });
      bought();
    } catch (error) {
      setEnded(whatHappened(error, lines));
      if (!passes(error)) answered();
    } finally {
      setBusy(false);
    }
  }

  if (lines.length === 0)
    return (
      <section class="card basket" id="basket" aria-label="Basket">
        <h2>Basket</h2>
        {ended?.kind === "placed" ? (
          <Placed order={ended.order} />
        ) : (
          <Empty title="Nothing in it yet">What you add stays here, also when you come back.</Empty>
        )}
      </section>
    );
  return (
    <section class="card basket" id="basket" aria-label="Basket">
      <h2>Basket</h2>
      <ul class="lines">
        {lines.map((line) => {
          const left = offers.find(({ id }) => id === line.product.id)?.stock?.available;
          return (
            <li key={line.product.id}>
              <div>
                <b>{line.product.name}</b>
                {left !== undefined && left < line.quantity && (
                  <small class="few">{left <= 0 ? "sold out" : `only ${left} left`}</small>
                )}
              </div>
              <Stepper line={line} />
            </li>
          );
        })}
      </ul>
      <dl class="sum">
        <dt>Together</dt>
        <dd class="figure big">{money(toDecimal(total, currency), currency)}</dd>
      </dl>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void checkout();
        }}
      >
        <Methods chosen={method} choose={setMethod} name="method" />
        <p class="field">
          <label for="notes">Notes (optional)</label>
          <textarea
            id="notes"
            rows={2}
            maxLength={2000}
            value={notes}
            onInput={(event) => setNotes(event.currentTarget.value)}
          />
        </p>
        {ended && ended.kind !== "placed" && (
          <p class={`notice ${ended.kind === "refused" ? "fail" : "wait"}`} role="alert">
            {ended.says}
          </p>
        )}
        {currencies.length > 1 && <p class="notice wait">One order has one currency: take the others out first.</p>}
        {who && !isCustomer(who) && (
          <p class="notice wait">You are signed in as {who.user.roles.join(", ")}: only customers buy.</p>
        )}
        <Button
          type="submit"
          kind="first"
          busy={busy}
          disabled={currencies.length > 1 || (who !== null && !isCustomer(who))}
        >
          {ended?.kind === "unknown" ? "Try again, with the same key" : who ? "Place the order" : "Sign in and order"}
        </Button>
      </form>
    </section>
  );
}

/** A refusal in the shopper's words; without an answer the same request gives the same order. */
function whatHappened(error: unknown, lines: Line[]): Ended {
  if (error instanceof NoAnswer || (error instanceof Refusal && passes(error)))
    return {
      kind: "unknown",
      says: "No answer came, so the order may be placed or not. Nothing is lost: try again, and it is the same order.",
    };
  if (error instanceof Refusal && error.problem.status === 409 && "available_qty" in error.problem) {
    const { product_id, available_qty } = error.problem as Problem & { product_id: string; available_qty: number };
    const name = lines.find(({ product }) => product.id === product_id)?.product.name ?? "a product";
    return {
      kind: "refused",
      says:
        available_qty > 0
          ? `Of “${name}” only ${available_qty} are left. Nothing was ordered or charged.`
          : `“${name}” is sold out. Nothing was ordered or charged.`,
    };
  }
  return { kind: "refused", says: error instanceof Refusal ? sentence(error.message) : inWords(error) };
}

function Placed({ order }: { order: OrderView }) {
  const live = useLiveOrder(order);
  return (
    <div class="placed" role="status">
      <p>
        <b>Thank you.</b> Your order <OrderLink id={order.id} /> is stored.
      </p>
      <StatusBadge status={live.order.status} />
      <Moves order={live.order} changed={live.reload} only={["pay"]} />
      <a class="button quiet" href={`#/orders/${order.id}`}>
        Watch it
      </a>
    </div>
  );
}

/** The order as it is now; `follow` false: as it was given. */
function useLiveOrder(given: OrderView, follow = true) {
  const [order, setOrder] = useState(given);
  const reload = () => void ask("GET /orders/{id}", { params: { id: given.id } }).then(setOrder, () => undefined);
  useEffect(() => setOrder((before) => (before.version > given.version ? before : given)), [given.version]);
  useChanges(follow ? given.id : undefined, (entry) => {
    if (entry.seq > order.version - 1) reload();
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
        <ul class="rows" aria-live="polite">
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
      <StatusBadge status={order.status} />
      <Moves order={order} changed={reload} only={["pay"]} />
    </li>
  );
}
