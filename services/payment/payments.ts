import { v5 } from "uuid";
import { toDecimal, toMinor } from "../../contracts/money.js";
import type { PaymentView } from "../../contracts/payment.js";
import type { Update } from "../../kit/aggregate.js";
import { type Message, publish } from "../../kit/outbox.js";
import { Unhandleable } from "../../kit/problem.js";
import type { Sql } from "../../kit/sql.js";
import type { Store } from "../../kit/state.js";
import { type Account, type Command, decide, due, openAccount, type Payment, type Say } from "./payment.js";
import type { Charged, Provider } from "./provider.js";

export type Payments = ReturnType<typeof payments>;
type About = { order_id: string; user_id: string };
const opens = (command: Command) => command.type === "charge" && command.attempt === 1;

/** Namespace of payment ids (made from order id and attempt) and refund ids (made from payment ids). */
const namespace = "c1a0f6a4-2f0e-4b58-9f3c-6d7f8c6b1e11";
const paymentId = (orderId: string, attempt: number) => v5(`payment ${orderId}/${attempt}`, namespace);
const refundId = (payment: string) => v5(`refund ${payment}`, namespace);

/** The attempt that a charge of the provider's ledger was, by its key. */
const attemptOf = ({ key, reference }: Charged): number | undefined => {
  const attempt = Number(key.slice(`${reference}/`.length));
  return key.startsWith(`${reference}/`) && Number.isInteger(attempt) && attempt > 0 ? attempt : undefined;
};

/** A payment as the API shows it. */
export function view({ order_id, user_id }: About, payment: Payment): PaymentView {
  const { payment_id, attempt, method, currency, status, code, provider, payment_date, refund } = payment;
  return {
    ...{ payment_id, order_id, user_id, attempt, method, currency, status, code, provider, payment_date },
    amount: toDecimal(payment.amount, currency),
    refund: refund && { refund_id: refund.refund_id, status: refund.status, refunded_at: refund.refunded_at },
  };
}

/** The ids alone: of all that a payment is, an index would hold every field, twice for each charge. */
const paymentIds = "jsonb_path_query_array(value, '$.payments[*].payment_id')";

export const indexes = [
  "CREATE INDEX IF NOT EXISTS accounts_due ON state ((value->>'due_at')) WHERE starts_with(key, 'account:')",
  "DROP INDEX IF EXISTS accounts_payments",
  `CREATE INDEX IF NOT EXISTS accounts_payment_ids ON state USING gin ((${paymentIds}) jsonb_path_ops)
   WHERE starts_with(key, 'account:')`,
];

export function minor(amount: string, currency: string): number {
  const value = toMinor(amount, currency);
  if (value === undefined || value < 0) throw new Unhandleable(`${amount} is no amount of ${currency}`);
  return value;
}

function message({ order_id, user_id }: About, { topic, payment }: Say): Message {
  const { payment_id, currency, refund } = payment;
  const about = { payment_id, order_id, user_id, amount: toDecimal(payment.amount, currency), currency };
  const attempt = payment.attempt === null ? {} : { attempt: payment.attempt };
  const id = `${topic}:${payment_id}`;
  switch (topic) {
    case "payments.succeeded": {
      const { payment_date, provider_id, method } = payment;
      const taken = {
        payment_date: payment_date as string,
        provider_id: provider_id as string,
        payment_method: method,
        ...(payment.recovered && { recovered: payment.recovered }),
      };
      return publish(topic, id, { ...about, ...taken, ...attempt });
    }
    case "payments.failed": {
      const code = payment.code as string;
      return publish(topic, id, { ...about, code, reason: code.replaceAll("_", " "), ...attempt });
    }
    case "payments.refunded": {
      const { refund_id, refunded_at } = refund as { refund_id: string; refunded_at: string };
      return publish(topic, id, { ...about, refund_id, refunded_at });
    }
    case "payments.refund_failed": {
      const { refund_id, tries, code, next_try_at } = refund as NonNullable<Payment["refund"]>;
      const failed = { payment_id, refund_id, order_id, code: code as string, next_try_at: next_try_at as string };
      return publish(topic, `${id}:${tries}`, failed);
    }
  }
}

/** Takes money and gives it back: what is to be done is stored before the provider is called, its answer after. */
export function payments(store: Store, sql: Sql, update: Update, provider: Provider) {
  const key = (orderId: string) => `account:${orderId}`;

  type Outcome = { account: Account; refused?: string | undefined };

  /** Puts a command to the account of an order, which is opened when there is none; gives the account as it is then. */
  function decided(about: About, id: string, command: Command): Promise<Outcome> {
    const decideOn = (stored: Account | undefined) => {
      const account = stored ?? openAccount(about.order_id, about.user_id);
      const { next, say, refused } = decide(account, command, new Date().toISOString());
      return { reply: { account: next ?? account, refused }, next, messages: say.map((s) => message(account, s)) };
    };
    return update<Account, Outcome>(key(about.order_id), id, decideOn, opens(command));
  }
  const put = async (...request: Parameters<typeof decided>) => (await decided(...request)).account;

  async function chargeNow(account: Account, payment: Payment): Promise<void> {
    const outcome = await provider.charge(account.order_id, payment);
    const refund_id = refundId(payment.payment_id);
    const command: Command = { type: "charged", payment_id: payment.payment_id, refund_id, outcome };
    const after = await put(account, crypto.randomUUID(), command);
    await refundsNow(after);
  }

  async function refundsNow(account: Account): Promise<void> {
    for (const payment of due(account, new Date().toISOString()).refunds) {
      const outcome = await provider.refund(payment);
      await put(account, crypto.randomUUID(), { type: "refunded", payment_id: payment.payment_id, outcome });
    }
  }

  /** What is due: unknown outcomes are resolved under the same key, refunds tried again, without end. */
  async function sweep(): Promise<void> {
    const now = new Date().toISOString();
    const accounts = await sql.query<[Account]>(
      "SELECT value FROM state WHERE starts_with(key, 'account:') AND value->>'due_at' < $1 ORDER BY value->>'due_at' LIMIT 50",
      now,
    );
    await Promise.all(
      accounts.map(async ([account]) => {
        for (const payment of due(account, now).charges) await chargeNow(account, payment);
        await refundsNow(account);
      }),
    );
  }

  return {
    /** From the first event on, an order has an account, even if nobody has paid yet. */
    open: (about: About, eventId: string) =>
      update<Account, void>(key(about.order_id), eventId, (stored) =>
        stored ? { reply: undefined } : { reply: undefined, next: openAccount(about.order_id, about.user_id) },
      ),
    /** An attempt is charged once; asked again it says again what came of it. */
    async charge(about: About, eventId: string, attempt: number, method: string, amount: number, currency: string) {
      const payment_id = paymentId(about.order_id, attempt);
      const account = await put(about, eventId, { type: "charge", attempt, payment_id, method, amount, currency });
      const payment = account.payments.find((p) => p.payment_id === payment_id);
      if (payment?.status === "pending" && payment.tries === 0) await chargeNow(account, payment);
    },
    /** Gives back all that was taken for an order, now and later. */
    async cancel(about: About, eventId: string): Promise<void> {
      await refundsNow(await put(about, eventId, { type: "cancel", refundId }));
    },
    async refund(about: About, payment_id: string, amount: number, currency: string): Promise<void> {
      const command: Command = { type: "refund", payment_id, refund_id: refundId(payment_id), amount, currency };
      await refundsNow(await put(about, `refund:${payment_id}`, command));
    },
    async register(
      about: About,
      payment_id: string,
      reference: string,
      amount: number,
      currency: string,
    ): Promise<void> {
      await put(about, `register:${payment_id}`, { type: "register", payment_id, reference, amount, currency });
    },
    /** Staff has paid an external payment back; `refused` says why that cannot be. */
    recordRefund(account: Account, commandId: string, payment_id: string, reference: string): Promise<Outcome> {
      return decided(account, commandId, { type: "record_refund", payment_id, reference });
    },
    async of(orderId: string): Promise<Account | undefined> {
      return (await store.get<Account>(key(orderId))).value;
    },
    async ofMany(orderIds: string[]): Promise<Account[]> {
      const found = await store.getMany<Account>(orderIds.map(key), () => true);
      return [...found.values()].flatMap(({ value }) => value ?? []);
    },
    /** The account that a payment belongs to. Without LIMIT: the planner takes ids for common, and would rather scan up to the first. */
    async holding(paymentId: string): Promise<Account | undefined> {
      const [row] = await sql.query<[Account]>(
        `SELECT value FROM state WHERE starts_with(key, 'account:') AND ${paymentIds} @> $1::text::jsonb`,
        JSON.stringify([paymentId]),
      );
      return row?.[0];
    },
    /** Takes in what the provider's ledger has of these orders and the accounts have not; gives the orders it changed. */
    async recover(about: About): Promise<boolean> {
      const before = JSON.stringify((await store.get<Account>(key(about.order_id))).value?.payments ?? []);
      let account: Account | undefined;
      for (const charge of await provider.charges(about.order_id)) {
        const attempt = attemptOf(charge);
        if (attempt === undefined) continue;
        account = await put(about, crypto.randomUUID(), {
          type: "recovered",
          ...{
            payment_id: paymentId(about.order_id, attempt),
            refund_id: refundId(paymentId(about.order_id, attempt)),
          },
          ...{ attempt, method: charge.payment_method, amount: charge.amount, currency: charge.currency },
          ...{ provider_id: charge.charge_id, charged_at: charge.at, refunded_at: charge.refunded_at },
          code: charge.status === "succeeded" ? null : (charge.code ?? "declined"),
        });
      }
      if (account) await refundsNow(account);
      return account !== undefined && JSON.stringify(account.payments) !== before;
    },
    /** Charges since a time whose money is here and of whose orders there is no account. */
    async strays(since: string, from: number): Promise<{ charges: Charged[]; next: number | null }> {
      const { charges, next } = await provider.taken(since, from);
      const accounts = await sql.values<Account>(charges.map(({ reference }) => `account:${reference}`));
      const known = new Set(accounts.map(({ order_id }) => order_id));
      return { charges: charges.filter(({ reference }) => !known.has(reference ?? "")), next };
    },
    /** Gives a stray charge back, and remembers that for the order, should it be placed again. */
    async refundStray(about: About, eventId: string): Promise<void> {
      await this.recover(about);
      await this.cancel(about, eventId);
    },
    sweep,
  };
}
