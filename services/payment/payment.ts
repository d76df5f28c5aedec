// Every rule about money taken and given back is here. One account per order; amounts in minor units.

export type Refund = {
  refund_id: string;
  status: "pending" | "failed" | "done";
  tries: number;
  code: string | null;
  refunded_at: string | null;
  /** How staff paid an external payment back. */
  reference: string | null;
  /** null when nobody here can do it: an external payment is paid back by staff. */
  next_try_at: string | null;
};

export type Payment = {
  payment_id: string;
  /** null for money that was taken elsewhere. */
  attempt: number | null;
  method: string;
  amount: number;
  currency: string;
  status: "pending" | "succeeded" | "failed";
  provider: "card" | "external";
  /** The provider's own id of the charge, or the reference of an external payment. */
  provider_id: string | null;
  payment_date: string | null;
  code: string | null;
  tries: number;
  /** When the outcome of a pending attempt is asked for again. */
  check_at: string | null;
  refund: Refund | null;
  /** Found in the provider's ledger, and not known here: the order may have forgotten it too. */
  recovered?: true;
};

export type Account = {
  order_id: string;
  user_id: string;
  payments: Payment[];
  /** The mark of orders.cancelled: what succeeds after it is given back, what was not tried never is. */
  cancelled: boolean;
  /** When something has to be done next; the sweep looks for it. */
  due_at: string | null;
  applied: string[];
};

export type ChargeOutcome =
  | { kind: "succeeded"; provider_id: string }
  | { kind: "declined"; code: string }
  /** No answer, or none that says what happened: never a failure, asked again under the same key. */
  | { kind: "unknown" };
export type RefundOutcome = { kind: "done" } | { kind: "failed"; code: string };

export type Command =
  | { type: "charge"; attempt: number; payment_id: string; method: string; amount: number; currency: string }
  | { type: "charged"; payment_id: string; refund_id: string; outcome: ChargeOutcome }
  | { type: "cancel"; refundId: (paymentId: string) => string }
  | { type: "refund"; payment_id: string; refund_id: string; amount: number; currency: string }
  | { type: "register"; payment_id: string; reference: string; amount: number; currency: string }
  | { type: "refunded"; payment_id: string; outcome: RefundOutcome }
  | { type: "record_refund"; payment_id: string; reference: string }
  | ({ type: "recovered"; refund_id: string } & Witnessed);

/** A charge as the provider's ledger has it, whatever became of our memory of it. */
type Witnessed = Pick<Payment, "payment_id" | "attempt" | "method" | "amount" | "currency"> & {
  provider_id: string;
  /** null: it was refused, and why. */
  code: string | null;
  charged_at: string;
  refunded_at: string | null;
};

/** What the world is told about a payment; built from the stored payment, so that it may be said again. */
export type Say = {
  topic: "payments.succeeded" | "payments.failed" | "payments.refunded" | "payments.refund_failed";
  payment: Payment;
};
export type Decision = { next?: Account; say: Say[]; refused?: string };

/** Time for the first call of an attempt to end before the sweep asks for its outcome. */
const firstCheck = 10_000;

const later = (now: string, ms: number): string => new Date(Date.parse(now) + ms).toISOString();
const backoff = (now: string, tries: number): string => later(now, Math.min(2 ** tries, 60) * 1000);

export const openAccount = (order_id: string, user_id: string): Account => ({
  order_id,
  user_id,
  payments: [],
  cancelled: false,
  due_at: null,
  applied: [],
});

export function decide(account: Account, command: Command, now: string): Decision {
  switch (command.type) {
    case "charge": {
      const { payment_id, attempt, method, amount, currency } = command;
      const known = account.payments.find((payment) => payment.payment_id === payment_id);
      if (known) return { say: answers(known) };
      const payment = { ...blank, payment_id, attempt, method, amount, currency, check_at: later(now, firstCheck) };
      if (!account.cancelled) return { next: withPayment(account, payment), say: [] };
      return changed(
        account,
        { ...payment, status: "failed", code: "order_cancelled", check_at: null },
        "payments.failed",
      );
    }

    case "charged": {
      const payment = account.payments.find((p) => p.payment_id === command.payment_id);
      if (payment?.status !== "pending") return { say: [] };
      const { outcome } = command;
      const tries = payment.tries + 1;
      if (outcome.kind === "unknown")
        return { next: withPayment(account, { ...payment, tries, check_at: backoff(now, tries) }), say: [] };
      const told = { ...payment, tries, check_at: null };
      if (outcome.kind === "declined")
        return changed(account, { ...told, status: "failed", code: outcome.code }, "payments.failed");
      const refund = account.cancelled ? owed(command.refund_id, now) : null;
      const taken = { ...told, provider_id: outcome.provider_id, payment_date: now, refund };
      return changed(account, { ...taken, status: "succeeded" }, "payments.succeeded");
    }

    case "cancel": {
      const payments = account.payments.map((payment) =>
        payment.status === "succeeded" && !payment.refund
          ? giveBack(payment, command.refundId(payment.payment_id), now)
          : payment,
      );
      const say = account.payments.flatMap((payment) => (payment.refund ? answers(payment) : []));
      const known = account.cancelled && payments.every((payment, n) => payment === account.payments[n]);
      return known ? { say } : { next: withDue({ ...account, payments, cancelled: true }), say };
    }

    case "refund": {
      const { payment_id, refund_id, amount, currency } = command;
      const known = account.payments.find((payment) => payment.payment_id === payment_id);
      if (known?.refund) return { say: answers(known) };
      const payment = known ?? external(payment_id, "unknown", amount, currency, now);
      return payment.status === "succeeded"
        ? { next: withPayment(account, giveBack(payment, refund_id, now)), say: [] }
        : { say: [] };
    }

    case "register": {
      const { payment_id, reference, amount, currency } = command;
      if (account.payments.some((payment) => payment.payment_id === payment_id)) return { say: [] };
      return { next: withPayment(account, external(payment_id, reference, amount, currency, now)), say: [] };
    }

    case "refunded": {
      const payment = account.payments.find((p) => p.payment_id === command.payment_id);
      if (!payment?.refund || payment.refund.status === "done") return { say: [] };
      const tries = payment.refund.tries + 1;
      if (command.outcome.kind === "failed") {
        const { code } = command.outcome;
        const refund: Refund = { ...payment.refund, status: "failed", tries, code, next_try_at: backoff(now, tries) };
        return changed(account, { ...payment, refund }, "payments.refund_failed");
      }
      const refund: Refund = {
        ...payment.refund,
        status: "done",
        tries,
        code: null,
        refunded_at: now,
        next_try_at: null,
      };
      return changed(account, { ...payment, refund }, "payments.refunded");
    }

    case "record_refund": {
      const payment = account.payments.find((p) => p.payment_id === command.payment_id);
      if (payment?.provider !== "external") return { say: [], refused: "a card payment is paid back by itself" };
      if (!payment.refund) return { say: [], refused: "nothing is to be paid back" };
      if (payment.refund.status === "done") return { say: [] };
      const refund: Refund = { ...payment.refund, status: "done", refunded_at: now, reference: command.reference };
      return changed(account, { ...payment, refund }, "payments.refunded");
    }

    case "recovered": {
      const { type, refund_id, charged_at, refunded_at, ...charge } = command;
      const known = account.payments.find((payment) => payment.payment_id === charge.payment_id);
      const settled = known && known.status !== "pending";
      const news = refunded_at !== null && known?.refund?.status !== "done";
      if (settled && (known.status === "failed" || !news)) return { say: [] };
      if (charge.code !== null) return changed(account, { ...blank, ...charge, status: "failed" }, "payments.failed");
      const done = { ...owed(refund_id, now), status: "done" as const, refunded_at, next_try_at: null };
      const owes = known?.refund ?? (account.cancelled ? owed(refund_id, now) : null);
      const refund = refunded_at === null ? owes : done;
      const taken = { ...blank, ...charge, status: "succeeded" as const, payment_date: charged_at, refund };
      const payment: Payment = known ? taken : { ...taken, recovered: true };
      return { next: withPayment(account, payment), say: answers(payment) };
    }

    default:
      return command satisfies never;
  }
}

/** What has to be asked of the provider now. */
export function due(account: Account, now: string): { charges: Payment[]; refunds: Payment[] } {
  const past = (at: string | null | undefined) => !!at && at <= now;
  return {
    charges: account.payments.filter((payment) => payment.status === "pending" && past(payment.check_at)),
    refunds: account.payments.filter((payment) => past(payment.refund?.next_try_at)),
  };
}

const blank = {
  status: "pending",
  provider: "card",
  provider_id: null,
  payment_date: null,
  code: null,
  tries: 0,
  check_at: null,
  refund: null,
} as const satisfies Partial<Payment>;

const external = (payment_id: string, reference: string, amount: number, currency: string, now: string): Payment => ({
  ...blank,
  payment_id,
  attempt: null,
  method: "external",
  amount,
  currency,
  status: "succeeded",
  provider: "external",
  provider_id: reference,
  payment_date: now,
});

const owed = (refund_id: string, now: string): Refund => ({
  refund_id,
  status: "pending",
  tries: 0,
  code: null,
  refunded_at: null,
  reference: null,
  next_try_at: now,
});

const giveBack = (payment: Payment, refund_id: string, now: string): Payment => ({
  ...payment,
  refund: { ...owed(refund_id, now), next_try_at: payment.provider === "external" ? null : now },
});

/** What was answered about a payment, to be said again. */
function answers(payment: Payment): Say[] {
  const { status, refund } = payment;
  const about: Say[] = [];
  if (status === "succeeded" && payment.provider === "card") about.push({ topic: "payments.succeeded", payment });
  if (status === "failed") about.push({ topic: "payments.failed", payment });
  if (refund?.status === "done") about.push({ topic: "payments.refunded", payment });
  return about;
}

const changed = (account: Account, payment: Payment, topic: Say["topic"]): Decision => ({
  next: withPayment(account, payment),
  say: [{ topic, payment }],
});

function withPayment(account: Account, payment: Payment): Account {
  const others = account.payments.filter((p) => p.payment_id !== payment.payment_id);
  return withDue({ ...account, payments: [...others, payment] });
}

function withDue(account: Account): Account {
  const times = account.payments.flatMap(({ check_at, refund }) => [check_at, refund?.next_try_at]);
  return { ...account, due_at: times.filter((time) => !!time).sort()[0] ?? null };
}
