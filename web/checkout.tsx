import { useState } from "preact/hooks";
import type { Problem } from "../contracts/common.js";
import { toDecimal, toMinor } from "../contracts/money.js";
import type { OrderView } from "../contracts/order.js";
import type { PaymentMethod } from "../contracts/payment.js";
import { ask, NoAnswer, Refusal } from "./api.js";
import { inWords, passes, sentence } from "./asked.js";
import { answered, basket, type Checkout, keyFor, type Line, put } from "./basket.js";
import { Moves } from "./moves.js";
import { useLiveOrder } from "./orders.js";
import { Button, Empty, OrderLink, StatusBadge } from "./parts.js";
import { Methods } from "./pay.js";
import { askToSignIn, isCustomer, session } from "./session.js";
import type { Offer } from "./shop.js";
import { money } from "./words.js";

export const Stepper = ({ line: { product, quantity } }: { line: Line }) => (
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

/** What is in the basket, and the checkout. */
export function Basket({ offers, bought }: { offers: Offer[]; bought: () => void }) {
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
        <details>
          <summary>Add a note</summary>
          <textarea
            aria-label="A note for the shop"
            rows={2}
            maxLength={2000}
            value={notes}
            onInput={(event) => setNotes(event.currentTarget.value)}
          />
        </details>
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
