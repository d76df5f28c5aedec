import "./base.css";
import "./parts.css";
import "./frame.css";
import "./shop.css";
import "./desk.css";
import "./saga.css";
import "./proof.css";
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { basket } from "./basket.js";
import { Desk } from "./desk.js";
import { info, learn } from "./info.js";
import { OrderPage } from "./order.js";
import { Orders } from "./orders.js";
import { Proof } from "./proof.js";
import { askToSignIn, isStaff, session, signOut } from "./session.js";
import { Shop } from "./shop.js";
import { SignInDialog } from "./sign-in.js";

const titles: Record<string, string> = { shop: "Shop", orders: "Orders", desk: "Desk", proof: "Proof" };

function useHash(): string[] {
  const read = () => location.hash.replace(/^#\/?/, "").split("/").filter(Boolean);
  const [parts, setParts] = useState(read);
  useEffect(() => {
    const moved = () => {
      const next = read();
      setParts((before) => {
        // Who does not see the page hears that it is another one.
        if (before[0] !== next[0])
          requestAnimationFrame(() => document.getElementById("main")?.focus({ preventScroll: true }));
        return next;
      });
      scrollTo(0, 0);
    };
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  return parts;
}

function Page({ parts: [page = "shop", what] }: { parts: string[] }) {
  switch (page) {
    case "shop":
      return <Shop />;
    case "orders":
      return what ? <OrderPage id={what} key={what} /> : <Orders key={session.get()?.user.id} />;
    case "desk":
      return <Desk part={what ?? "queue"} />;
    case "proof":
      return <Proof />;
    default:
      return (
        <main id="main" tabIndex={-1}>
          <h1>There is no such page</h1>
          <p>
            Go on in the <a href="#/shop">shop</a>.
          </p>
        </main>
      );
  }
}

function Console() {
  const parts = useHash();
  const who = session.use();
  const { proof } = info.use();
  const here = parts[0] ?? "shop";
  const count = basket.use().reduce((sum, { quantity }) => sum + quantity, 0);
  useEffect(() => {
    document.title = `${titles[here] ?? "Nowhere"} – orders on Dapr`;
  }, [here]);

  const tab = (page: string, more?: string) => (
    <a href={`#/${page}`} aria-current={here === page ? "page" : undefined}>
      {titles[page]}
      {more && <span class="count">{more}</span>}
    </a>
  );
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        Skip to the content
      </button>
      <header class="top">
        <a class="brand" href="#/shop">
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="9" />
            <path d="M8 12h10a6 6 0 0 1 0 12h-4m2.5-3.5L13 24l3.5 3.5" />
            <circle cx="8" cy="12" r="3" />
          </svg>
          <span>
            orders <small>on Dapr</small>
          </span>
        </a>
        <nav aria-label="Pages">
          {tab("shop", count > 0 ? String(count) : undefined)}
          {tab("orders")}
          {isStaff(who) && tab("desk")}
          {proof && tab("proof")}
        </nav>
        <div class="who">
          {who ? (
            <>
              <span title={who.user.email}>{who.user.name}</span>
              <button type="button" class="link" onClick={signOut}>
                Sign out
              </button>
            </>
          ) : (
            <button type="button" class="button" onClick={() => askToSignIn()}>
              Sign in
            </button>
          )}
        </div>
      </header>
      <Page parts={parts} />
      <footer class="foot">
        <a href="/docs">API</a>
        <a href="/docs/events">Events</a>
        <a href="/openapi.json">openapi.json</a>
        <a href="/asyncapi.json">asyncapi.json</a>
      </footer>
      <SignInDialog />
    </>
  );
}

void learn();
render(<Console />, document.getElementById("console") as HTMLElement);
