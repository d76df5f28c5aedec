import { useState } from "preact/hooks";
import type { DeadLetter } from "../contracts/admin.js";
import { ask } from "./api.js";
import { useAsked, useCommand } from "./asked.js";
import { Badge, Bones, Button, Dialog, Empty, Trouble } from "./parts.js";
import { age } from "./words.js";

/** Messages that could not be handled: look, hand them over again, or throw them away. */
export function DeadLetters() {
  const { data, error, reload } = useAsked(() => ask("GET /admin/dead-letters", { query: { limit: 100 } }), [], 5_000);
  const [open, setOpen] = useState<DeadLetter>();
  const letters = data?.items;
  return (
    <section aria-label="Dead letters">
      <Trouble error={error} />
      {!letters && !error && <Bones rows={4} />}
      {letters?.length === 0 && <Empty title="No dead letters">Every message was handled.</Empty>}
      {letters && letters.length > 0 && (
        <ul class="rows">
          {letters.map((letter) => (
            <li key={`${letter.service} ${letter.id}`}>
              <b class="mono">{letter.topic}</b>
              <span class="what">{letter.reason}</span>
              <small>
                {letter.service} · {age(Date.now() - Date.parse(letter.at))} ago
                {letter.tries > 0 && ` · re-driven ${letter.tries}×`}
              </small>
              <div class="moves">
                <Button onClick={() => setOpen(letter)}>Open</Button>
              </div>
            </li>
          ))}
        </ul>
      )}
      {data?.next_cursor && <p class="still">There are more: these are the newest 100.</p>}
      {open && (
        <Letter
          letter={open}
          close={() => {
            setOpen(undefined);
            void reload();
          }}
        />
      )}
    </section>
  );
}

function Letter({ letter: { service, id, topic, at }, close }: { letter: DeadLetter; close: () => void }) {
  const params = { service, id };
  const { data, error } = useAsked(() => ask("GET /admin/dead-letters/{service}/{id}", { params }), [service, id]);
  const { run, busy, error: refused } = useCommand();
  const [sure, setSure] = useState(false);
  const [done, setDone] = useState("");
  const act = async (work: () => Promise<unknown>, says: string) => {
    if (await run(work)) setDone(says);
  };
  return (
    <Dialog title={topic} close={close}>
      <p>
        <Badge tone="fail">{service}</Badge> <small>{new Date(at).toLocaleString("en-GB")}</small>
      </p>
      {data && <p>{data.reason}</p>}
      <Trouble error={error} />
      {data ? (
        <textarea class="mono" readOnly rows={12} aria-label="The message" value={pretty(data.body)} />
      ) : (
        <Bones rows={3} />
      )}
      <Trouble error={refused} />
      {done ? (
        <>
          <p class="notice ok" role="status">
            {done}
          </p>
          <Button kind="first" onClick={close}>
            Close
          </Button>
        </>
      ) : (
        <div class="moves">
          <Button
            kind="first"
            busy={busy}
            onClick={() =>
              void act(
                () => ask("POST /admin/dead-letters/{service}/{id}/redrive", { params }),
                "Handled, and gone from the list.",
              )
            }
          >
            Re-drive
          </Button>
          <Button
            kind="danger"
            busy={busy}
            onClick={() =>
              sure
                ? void act(() => ask("DELETE /admin/dead-letters/{service}/{id}", { params }), "Thrown away.")
                : setSure(true)
            }
          >
            {sure ? "Really throw it away?" : "Discard"}
          </Button>
        </div>
      )}
    </Dialog>
  );
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
