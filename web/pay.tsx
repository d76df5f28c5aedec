import { useState } from "preact/hooks";
import type { PaymentMethod } from "../contracts/payment.js";
import { Button } from "./parts.js";
import { methods } from "./words.js";

const all = Object.entries(methods) as [PaymentMethod, (typeof methods)[PaymentMethod]][];

/** The test methods of the simulated provider, each with what it does. */
export function Methods({
  chosen,
  choose,
  name,
}: {
  chosen: PaymentMethod;
  choose: (method: PaymentMethod) => void;
  name: string;
}) {
  return (
    <fieldset class="methods">
      <legend>Pay with</legend>
      {all.map(([method, { name: title, does }]) => (
        <label key={method}>
          <input type="radio" name={name} value={method} checked={method === chosen} onChange={() => choose(method)} />
          <span>
            <b>{title}</b> <small>{does}</small>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

export function PayForm({
  label,
  busy,
  pay,
  name = "pay",
}: {
  label: string;
  busy: boolean;
  pay: (method: PaymentMethod) => void;
  name?: string;
}) {
  const [method, setMethod] = useState<PaymentMethod>("card_ok");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        pay(method);
      }}
    >
      <Methods chosen={method} choose={setMethod} name={name} />
      <Button type="submit" kind="first" busy={busy}>
        {label}
      </Button>
    </form>
  );
}
