import { useState } from "preact/hooks";
import type { OrderView, Status } from "../contracts/order.js";
import type { PaymentView } from "../contracts/payment.js";
import { ask } from "./api.js";
import { useCommand } from "./asked.js";
import { Button, Dialog, Field, fieldsOf, Trouble } from "./parts.js";
import { PayForm } from "./pay.js";
import { isStaff, session } from "./session.js";
import { money } from "./words.js";

type Move = "pay" | "cancel" | "ship" | "deliver" | "record" | "repay";
const cancellable: Status[] = ["payment_required", "payment_failed", "paid", "processing"];

/** What this person may do to the order as it stands. */
function movesOf(order: OrderView, payments: PaymentView[], staff: boolean, own: boolean): Move[] {
  const { status, payment } = order;
  const waitsForMoney = status === "payment_failed" || (status === "payment_required" && payment.status === "none");
  const owed = payments.some(({ provider, refund }) => provider === "external" && refund && refund.status !== "done");
  const may: [Move, boolean][] = [
    ["pay", own && waitsForMoney],
    ["ship", staff && status === "processing"],
    ["deliver", staff && (status === "shipped" || status === "processing")],
    ["record", staff && waitsForMoney],
    ["repay", staff && owed],
    ["cancel", (own || staff) && cancellable.includes(status)],
  ];
  return may.flatMap(([move, is]) => (is ? [move] : []));
}

const labels: Record<Move, string> = {
  pay: "Pay again",
  ship: "Ship…",
  deliver: "Mark delivered",
  record: "Record payment…",
  repay: "Record refund…",
  cancel: "Cancel…",
};

type Props = { order: OrderView; payments?: PaymentView[]; changed: () => void; only?: Move[] };

/** A button per move; those that need to know more ask in a dialog. */
export function Moves({ order, payments = [], changed, only }: Props) {
  const who = session.use();
  const [open, setOpen] = useState<Move>();
  const { run, busy, error, clear } = useCommand();
  const params = { id: order.id };
  const moves = movesOf(order, payments, isStaff(who), who?.user.id === order.user_id).filter(
    (move) => only?.includes(move) ?? true,
  );
  const close = () => {
    setOpen(undefined);
    clear();
  };
  const act = async (work: Parameters<typeof run>[0]) => {
    if (await run(work)) close();
    changed();
  };
  const begin = (move: Move) => {
    clear();
    if (move === "deliver")
      void act((headers) => ask("PUT /orders/{id}/status", { params, headers, body: { status: "delivered" } }));
    else setOpen(move);
  };
  const label = (move: Move) => (move === "pay" && order.payment.attempt === 0 ? "Pay" : labels[move]);

  return (
    <>
      <div class="moves">
        {moves.map((move, n) => (
          <Button
            key={move}
            kind={move === "cancel" ? "danger" : n === 0 ? "first" : "quiet"}
            busy={busy}
            onClick={() => begin(move)}
          >
            {label(move)}
          </Button>
        ))}
      </div>
      {!open && <Trouble error={error} />}
      {open === "pay" && (
        <Dialog title={`${label("pay")} ${money(order.total, order.currency)}`} close={close}>
          <PayForm
            label={`Pay ${money(order.total, order.currency)}`}
            busy={busy}
            pay={(payment_method) =>
              void act((headers) => ask("POST /orders/{id}/payments", { params, headers, body: { payment_method } }))
            }
          />
          <Trouble error={error} />
        </Dialog>
      )}
      {open === "cancel" && (
        <Dialog title="Cancel this order?" close={close}>
          <p>What was paid is given back, and the goods go back on the shelf. A cancelled order stays cancelled.</p>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              const { reason } = fieldsOf(event);
              void act((headers) =>
                ask("POST /orders/{id}/cancel", { params, headers, body: reason ? { reason } : {} }),
              );
            }}
          >
            <Field label="Reason (optional)" name="reason" maxLength={500} />
            <Trouble error={error} />
            <Button type="submit" kind="danger" busy={busy}>
              Cancel the order
            </Button>{" "}
            <Button kind="quiet" onClick={close}>
              Keep it
            </Button>
          </form>
        </Dialog>
      )}
      {open === "ship" && (
        <Dialog title="Ship this order" close={close}>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              const { carrier = "", tracking_number = "" } = fieldsOf(event);
              void act((headers) =>
                ask("PUT /orders/{id}/status", {
                  params,
                  headers,
                  body: { status: "shipped", carrier, tracking_number },
                }),
              );
            }}
          >
            <Field label="Carrier" name="carrier" list="carriers" required maxLength={100} autofocus />
            <datalist id="carriers">
              {["DHL", "UPS", "DPD", "Post"].map((name) => (
                <option key={name} value={name} />
              ))}
            </datalist>
            <Field label="Tracking number" name="tracking_number" required maxLength={100} />
            <Trouble error={error} />
            <Button type="submit" kind="first" busy={busy}>
              Ship
            </Button>
          </form>
        </Dialog>
      )}
      {open === "record" && (
        <Dialog title="Record a payment made elsewhere" close={close}>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              const { reference: payment_reference = "" } = fieldsOf(event);
              void act((headers) =>
                ask("PUT /orders/{id}/status", { params, headers, body: { status: "paid", payment_reference } }),
              );
            }}
          >
            <Field
              label="Reference"
              name="reference"
              required
              maxLength={200}
              hint="How it can be found again: a bank reference, a receipt."
              autofocus
            />
            <Trouble error={error} />
            <Button type="submit" kind="first" busy={busy}>
              Record {money(order.total, order.currency)}
            </Button>
          </form>
        </Dialog>
      )}
      {open === "repay" && (
        <Dialog title="Record that it was paid back" close={close}>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              const { reference = "" } = fieldsOf(event);
              const owed = payments.find(
                ({ provider, refund }) => provider === "external" && refund && refund.status !== "done",
              );
              if (owed)
                void act(() =>
                  ask("POST /payments/{id}/refunds", { params: { id: owed.payment_id }, body: { reference } }),
                );
            }}
          >
            <Field label="Reference" name="reference" required maxLength={200} autofocus />
            <Trouble error={error} />
            <Button type="submit" kind="first" busy={busy}>
              Record the refund
            </Button>
          </form>
        </Dialog>
      )}
    </>
  );
}
