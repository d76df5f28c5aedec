import type { End, Story } from "./demo-story.js";

const paid = { payment: "succeeded", attempt: 1, charges: ["succeeded"] } satisfies Partial<End>;
const sold = (...timeline: string[]): End => ({
  ...paid,
  ...{ status: "processing", money: "kept", stock: "sold", timeline },
});
const givenBack = (reason: string, ...timeline: string[]): End => ({
  ...paid,
  ...{ status: "cancelled", reason, money: "given back", stock: "untouched", timeline },
});

export const stories: Story[] = [
  {
    name: "happy",
    title: "Ada buys three things, and they arrive",
    basket: [2, 1],
    async play({ adaOrders, until, staffShips, staffDelivers }) {
      await adaOrders("card_ok");
      await until("processing");
      await staffShips({ tracking_number: "DEMO-0001", carrier: "Parcel Post" });
      await staffDelivers();
    },
    end: { ...sold("place", "payments.succeeded", "inventory.reserved", "ship", "deliver"), status: "delivered" },
  },
  {
    name: "declined",
    title: "Her card is declined: the goods stay held, and she pays with another",
    basket: [1],
    async play({ adaOrders, until, goodsAreHeld, adaPays }) {
      await adaOrders("card_declined");
      await until("payment_failed");
      await goodsAreHeld();
      await adaPays("card_ok");
      await until("processing");
    },
    end: {
      ...sold("place", "payments.failed", "pay", "payments.succeeded", "inventory.reserved"),
      ...{ attempt: 2, charges: ["declined", "succeeded"] },
    },
  },
  {
    name: "expired",
    title: "Nobody pays in time: the saga cancels the order, the goods are free again",
    basket: [3],
    async play({ checkoutSells, until, goodsAreHeld }) {
      await checkoutSells({ payWithin: 6 });
      await goodsAreHeld();
      await until("cancelled");
    },
    end: {
      ...givenBack("payment_window_over", "place upstream", "expire", "inventory.released"),
      ...{ payment: "none", attempt: 0, charges: [], money: "never taken" },
    },
  },
  {
    name: "oversold",
    title: "A checkout sells more than there is: charged, cancelled, refunded",
    basket: "one too many",
    async play({ checkoutSells, until, untilRefund }) {
      await checkoutSells({ method: "card_ok" });
      await until("cancelled");
      await untilRefund("done");
    },
    end: givenBack("out_of_stock", "place upstream", "inventory.out_of_stock", "payments.refunded"),
  },
  {
    name: "cancelled",
    title: "Ada cancels what she has paid: the money and the goods go back",
    basket: [2],
    async play({ adaOrders, until, adaCancels, untilRefund }) {
      await adaOrders("card_ok");
      await until("processing");
      await adaCancels("changed her mind");
      await untilRefund("done");
    },
    end: givenBack("changed her mind", "inventory.reserved", "cancel", "inventory.released", "payments.refunded"),
  },
  {
    name: "late",
    title: "The provider answers too late: the payment stays open, and is charged exactly once",
    basket: [1],
    async play({ adaOrders, until, later }) {
      await adaOrders("card_timeout_then_ok");
      await later(4);
      await until("processing");
    },
    end: sold("place", "payments.succeeded", "inventory.reserved"),
  },
  {
    name: "refund",
    title: "A refund fails at first: everyone can see it, and it is done in the end",
    basket: [2],
    async play({ adaOrders, until, adaCancels, untilRefund }) {
      await adaOrders("card_refund_fails_once");
      await until("processing");
      await adaCancels("found it cheaper");
      await untilRefund("failed", "done");
      await untilRefund("done");
    },
    // On a busy machine the second try's success overtakes the news that the first failed: no news any more, so not told.
    end: givenBack("found it cheaper", "cancel", "inventory.released", "payments.refunded"),
  },
  {
    name: "killed",
    title: "The payment service is killed in the middle: it comes back, and charges exactly once",
    basket: [1],
    kills: "payment",
    async play({ adaOrders, dies, until }) {
      await adaOrders("card_ok");
      await dies("payment");
      await until("processing");
    },
    end: sold("place", "payments.succeeded", "inventory.reserved"),
  },
];
