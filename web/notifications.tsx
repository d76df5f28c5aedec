import type { OrderView } from "../contracts/order.js";
import { ask } from "./api.js";
import { useAsked } from "./asked.js";
import { session } from "./session.js";
import { when } from "./words.js";

/** The messages that its customer got about the order; nobody else may read them. */
export function Notifications({ order }: { order: OrderView }) {
  const own = session.use()?.user.id === order.user_id;
  const { data } = useAsked(
    () => (own ? ask("GET /notifications", { query: { limit: 50 } }) : Promise.resolve(undefined)),
    [own, order.version],
    own ? 5_000 : 0,
  );
  const messages = data?.items.filter(({ order_id }) => order_id === order.id) ?? [];
  if (messages.length === 0) return null;
  return (
    <section class="card">
      <h2>What we told you</h2>
      <ul class="lines">
        {messages.map(({ id, subject, text, created_at, channel }) => (
          <li key={id}>
            <details>
              <summary>{subject}</summary>
              <p class="message">{text}</p>
            </details>
            <small class="figure">
              {when(created_at)} · {channel === "email" ? "by mail" : "kept here"}
            </small>
          </li>
        ))}
      </ul>
    </section>
  );
}
