import { useState } from "preact/hooks";
import { ask, NoAnswer } from "./api.js";
import { useAsked } from "./asked.js";
import { basket, put, quantityOf } from "./basket.js";
import { Basket, Stepper } from "./checkout.js";
import { Drawing } from "./goods.js";
import { info } from "./info.js";
import { Bones, Button, Empty, Trouble } from "./parts.js";
import { money } from "./words.js";

export type Offer = {
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
          <ToBasket />
          {data?.more && first < 100 && <Button onClick={() => setFirst(100)}>Show more</Button>}
        </section>
        <aside>
          <Basket offers={data?.found ?? []} bought={() => void reload()} />
        </aside>
      </div>
    </main>
  );
}

/** On a narrow screen the basket is far below. */
function ToBasket() {
  const count = basket.use().reduce((sum, { quantity }) => sum + quantity, 0);
  if (count === 0) return null;
  return (
    <Button
      kind="first"
      class="tobasket"
      onClick={() => document.getElementById("basket")?.scrollIntoView({ behavior: "smooth" })}
    >
      To the basket ({count})
    </Button>
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
        <Button
          disabled={left <= 0}
          aria-label={`${left <= 0 ? "Sold out:" : "Add"} ${offer.name}`}
          onClick={() => put(offer, 1)}
        >
          {left <= 0 ? "Sold out" : "Add"}
        </Button>
      )}
    </li>
  );
}
