import type { ButtonHTMLAttributes, ComponentChildren, InputHTMLAttributes } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import type { Status } from "../contracts/order.js";
import { inWords } from "./asked.js";
import { short, statusTone, statusWords, type Tone } from "./words.js";

export const Badge = ({ tone, children }: { tone: Tone; children: ComponentChildren }) => (
  <span class={`badge ${tone}`}>
    <i aria-hidden="true" />
    {children}
  </span>
);
export const StatusBadge = ({ status }: { status: Status }) => (
  <Badge tone={statusTone[status]}>{statusWords[status]}</Badge>
);

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & { kind?: "first" | "quiet" | "danger"; busy?: boolean };
export const Button = ({ kind, busy, disabled, class: more, children, ...rest }: ButtonProps) => (
  <button
    type="button"
    {...rest}
    class={`button ${kind ?? ""} ${more ?? ""}`}
    disabled={disabled || busy}
    aria-busy={busy}
  >
    {children}
  </button>
);

export function Field({
  label,
  hint,
  ...rest
}: { label: string; hint?: string } & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <p class="field">
      <label for={id}>{label}</label>
      <input id={id} {...rest} aria-describedby={hint ? `${id}-hint` : undefined} />
      {hint && <small id={`${id}-hint`}>{hint}</small>}
    </p>
  );
}

/** A problem, said where it happened and to screen readers; nothing when there is none. */
export const Trouble = ({ error }: { error: unknown }) =>
  error ? (
    <p class="notice fail" role="alert">
      {typeof error === "string" ? error : inWords(error)}
    </p>
  ) : null;

export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="empty">
    <b>{title}</b>
    {children && <p>{children}</p>}
  </div>
);

/** Where something is being loaded. */
export const Bones = ({ rows = 3, tall = false }: { rows?: number; tall?: boolean }) => (
  <div class={`bones ${tall ? "tall" : ""}`} role="status" aria-label="Loading">
    {Array.from({ length: rows }, (_, n) => (
      <i key={n} />
    ))}
  </div>
);

/** A modal dialog: Escape and a click beside it close it. */
export function Dialog({ title, close, children }: { title: string; close: () => void; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onMouseDown={(event) => event.target === dialog.current && close()}
    >
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" class="close" aria-label="Close" onClick={close}>
          ×
        </button>
      </header>
      {children}
    </dialog>
  );
}

/** The fields of a form that is sent, by name. */
export const fieldsOf = (event: Event): Record<string, string> =>
  Object.fromEntries(
    [...new FormData(event.currentTarget as HTMLFormElement)].map(([name, value]) => [name, `${value}`]),
  );

export const OrderLink = ({ id }: { id: string }) => (
  <a class="mono" href={`#/orders/${id}`} title={id}>
    {short(id)}
  </a>
);
