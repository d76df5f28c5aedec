import type { OrderView, Status } from "../contracts/order.js";
import type { PaymentMethod } from "../contracts/payment.js";

/** What the people in a story can do; every call is told as it happens. */
export type Scene = {
  adaOrders: (method: PaymentMethod) => Promise<void>;
  adaPays: (method: PaymentMethod) => Promise<void>;
  adaCancels: (reason: string) => Promise<void>;
  /** Another system sells the basket and says so with `orders.created`; nothing was held for it. */
  checkoutSells: (terms: { payWithin?: number; method?: PaymentMethod }) => Promise<void>;
  until: (status: Status) => Promise<void>;
  /** Until the refund stands at one of these. */
  untilRefund: (...statuses: RefundStatus[]) => Promise<void>;
  goodsAreHeld: () => Promise<void>;
  /** Looks at the order after so many seconds. */
  later: (seconds: number) => Promise<void>;
  staffShips: (parcel: { tracking_number: string; carrier: string }) => Promise<void>;
  staffDelivers: () => Promise<void>;
  /** kill -9, and until the supervisor has started it again. */
  dies: (service: string) => Promise<void>;
};

type RefundStatus = NonNullable<OrderView["payment"]["refund"]>["status"];

/** What must be true at the end, of the order, of the money, of the stock and of the history. */
export type End = {
  status: Status;
  reason?: string;
  payment: OrderView["payment"]["status"];
  attempt: number;
  money: "kept" | "never taken" | "given back";
  /** Every charge in the provider's ledger, by what came of it. */
  charges: ("succeeded" | "declined")[];
  stock: "sold" | "untouched";
  /** Entries that the timeline must have. */
  timeline: string[];
};

/** Quantities, a product each; or more of one product than there is. */
export type Wish = number[] | "one too many";

export type Story = {
  name: string;
  title: string;
  basket: Wish;
  /** Breaks something that other stories need: plays when they are over, and only where there is a supervisor. */
  kills?: string;
  play: (scene: Scene) => Promise<unknown>;
  end: End;
};
