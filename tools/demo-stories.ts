import type { OrderView, Status } from "../contracts/order.js";
import type { PaymentMethod } from "../contracts/payment.js";

/** What the people in a story can do; every call is told as it happens. */
export type Scene = {
  adaOrders: (method: PaymentMethod) => Promise<OrderView>;
  until: (status: Status) => Promise<OrderView>;
  staffShips: (parcel: { tracking_number: string; carrier: string }) => Promise<void>;
  staffDelivers: () => Promise<void>;
};

/** What must be true at the end, of the order, of the money and of the stock. */
export type End = {
  status: Status;
  payment: OrderView["payment"]["status"];
  money: "kept" | "never taken" | "given back";
  stock: "sold" | "held" | "free";
};

export type Story = { name: string; title: string; play: (scene: Scene) => Promise<unknown>; end: End };

export const stories: Story[] = [
  {
    name: "happy",
    title: "Ada buys three things, and they arrive",
    async play({ adaOrders, until, staffShips, staffDelivers }) {
      await adaOrders("card_ok");
      await until("processing");
      await staffShips({ tracking_number: "DEMO-0001", carrier: "Parcel Post" });
      await staffDelivers();
    },
    end: { status: "delivered", payment: "succeeded", money: "kept", stock: "sold" },
  },
  {
    name: "declined",
    title: "Ada's card is declined: no money moves, her things stay held while she may pay again",
    async play({ adaOrders, until }) {
      await adaOrders("card_declined");
      await until("payment_failed");
    },
    end: { status: "payment_failed", payment: "failed", money: "never taken", stock: "held" },
  },
];
