import { useState } from "preact/hooks";
import type { OrderView, TimelineEntry } from "../contracts/order.js";
import { info } from "./info.js";
import { Badge } from "./parts.js";
import { session } from "./session.js";
import { actorWords, entryWords, short, statusTone, statusWords, type Tone, when } from "./words.js";

const toneOf = ({ kind, name, status }: TimelineEntry): Tone => {
  if (kind === "saga") return "wait";
  if (/failed|out_of_stock/.test(name)) return "fail";
  if (/refunded|released|not counted/.test(name)) return "back";
  return statusTone[status];
};

/** Something that happened around the order, at a time in milliseconds. */
export type Mark = { at: number; says: string; good: boolean };
type Props = { order: OrderView; entries: TimelineEntry[]; marks?: Mark[] };

/** What happened, in its order, newest last; each with who did it and in which trace. */
export function Timeline({ order, entries, marks = [] }: Props) {
  const me = session.use()?.user.id;
  const began = Date.parse(entries[0]?.at ?? order.created_at);
  const rows = [
    ...entries.map((entry, n) => ({ at: Date.parse(entry.at), entry, before: entries[n - 1] })),
    ...marks.map((mark) => ({ at: mark.at, mark })),
  ].sort((a, b) => a.at - b.at);
  return (
    <ol class="timeline">
      {rows.map((row) => {
        const time = (
          <time dateTime={new Date(row.at).toISOString()}>
            {when(row.at)}
            <small>{row.at > began ? `+${elapsed(row.at - began)}` : ""}</small>
          </time>
        );
        if ("mark" in row)
          return (
            <li key={`${row.at} ${row.mark.says}`} class={`mark ${row.mark.good ? "ok" : "fail"}`}>
              {time}
              <div>
                <b>{row.mark.says}</b>
              </div>
            </li>
          );
        const { entry, before } = row;
        const changed = entry.kind === "status" && before?.status !== entry.status;
        return (
          <li key={entry.seq} class={toneOf(entry)}>
            {time}
            <div>
              <b>{entryWords(entry)}</b>{" "}
              {changed && <Badge tone={statusTone[entry.status]}>{statusWords[entry.status]}</Badge>}
              <p>
                <code>{entry.name}</code> by {actorWords(entry.actor, order, me)}
                {entry.trace_id && <Trace id={entry.trace_id} />}
              </p>
            </div>
          </li>
        );
      })}
    </ol>
  );
}

function elapsed(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(2)} s`;
  return ms < 120_000 ? `${(ms / 1000).toFixed(0)} s` : `${Math.round(ms / 60_000)} min`;
}

function Trace({ id }: { id: string }) {
  const { trace_url } = info.use();
  const [copied, setCopied] = useState(false);
  if (trace_url)
    return (
      <a
        class="trace"
        href={trace_url.replace("{trace_id}", id)}
        target="_blank"
        rel="noreferrer"
        title={`Trace ${id}`}
      >
        trace {short(id)}
      </a>
    );
  const copy = () =>
    void navigator.clipboard.writeText(id).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 1_500);
    });
  return (
    <button type="button" class="trace" title={`Copy trace id ${id}`} onClick={copy}>
      {copied ? "copied" : `trace ${short(id)}`}
    </button>
  );
}
