import { randomUUID } from "node:crypto";
import type { Client } from "../client/client.js";
import type { OrderView } from "../contracts/order.js";
import type { Control } from "./control.js";
import { type Line, stockOf } from "./demo-basket.js";
import { got, type Other } from "./demo-client.js";
import type { Scene } from "./demo-story.js";
import { publishSale, saleOf } from "./demo-upstream.js";
import type { Voice } from "./demo-voice.js";
import { pause, Refusal } from "./say.js";

export type Cast = {
  ada: Client;
  adaId: string;
  staff: Client;
  provider: Other;
  sidecar: Other;
  supervisor?: Control;
};

const waitMs = 45_000;

export function sceneOf(cast: Cast, basket: Line[], voice: Voice): { scene: Scene; orderId: () => string | undefined } {
  const { ada, staff, supervisor } = cast;
  const { say } = voice;
  const wanted = basket.map(({ product, quantity }) => `${quantity} × ${product.name}`).join(" and ");
  let id: string | undefined;
  const current = () => ({ params: { id: id as string } });

  /** Asks until the answer is right. A part of the system may be away meanwhile, so a refusal may pass too. */
  async function eventually<T>(what: string, ask: () => Promise<T>, right: (found: T) => boolean): Promise<T> {
    voice.awaits(what);
    for (const deadline = Date.now() + waitMs; ; await pause(50)) {
      const found = await ask().catch((error: Error) => error);
      if (!(found instanceof Error) && right(found)) {
        voice.awaits(undefined);
        return found;
      }
      if (Date.now() < deadline) continue;
      const instead = found instanceof Error ? found.message : "it still is not.";
      throw new Refusal(`Within ${waitMs / 1000} s this should be so: ${what}. But ${instead}`);
    }
  }

  const order = () => got(ada.order(current()));

  const scene: Scene = {
    async adaOrders(payment_method) {
      const items = basket.map(({ product, quantity }) => ({ product_id: product.id, quantity }));
      const headers = { "idempotency-key": randomUUID() };
      const placed = await got(ada.placeOrder({ headers, body: { items, payment_method } }));
      id = placed.id;
      say(`Ada orders ${wanted}: ${placed.total} ${placed.currency} with ${payment_method}.`);
    },
    async adaPays(payment_method) {
      await got(ada.payOrder({ ...current(), body: { payment_method } }));
      say(`Ada pays with ${payment_method}.`);
    },
    async adaCancels(reason) {
      const { status, payment } = await got(ada.cancelOrder({ ...current(), body: { reason } }));
      say(`Ada cancels ("${reason}"): the order is ${status}, its refund ${payment.refund?.status ?? "none"}.`);
    },
    async checkoutSells(terms) {
      const sale = saleOf(basket, { ...terms, userId: cast.adaId }, Date.now());
      await publishSale(cast.sidecar, sale);
      const paying = terms.method ? `with ${terms.method}` : `to be paid within ${terms.payWithin} s`;
      say(`A checkout sells her ${wanted}: ${sale.total} ${sale.currency} ${paying}.`);
      id = sale.order_id;
      const { status } = await eventually("the order service knows the order", order, () => true);
      say(`The order service has taken it in: it is ${status}.`);
    },
    async until(status) {
      const { cancel_reason } = await eventually(`the order is ${status}`, order, (seen) => seen.status === status);
      say(`The order is ${status}${cancel_reason ? `: ${cancel_reason}` : ""}.`);
    },
    async untilRefund(...statuses) {
      const right = ({ payment }: OrderView) => statuses.some((status) => status === payment.refund?.status);
      const { payment } = await eventually(`the refund is ${statuses.join(" or ")}`, order, right);
      say(`The refund is ${payment.refund?.status}.`);
    },
    async goodsAreHeld() {
      const stock = () => Promise.all(basket.map(({ product }) => stockOf(ada, product.id)));
      await eventually("the goods are held", stock, (now) =>
        basket.every(({ before, quantity }, n) => now[n]?.held === before.held + quantity),
      );
      say(`Inventory holds ${wanted}.`);
    },
    async later(seconds) {
      voice.awaits(`${seconds} s have passed`);
      await pause(seconds * 1000);
      const { status, payment } = await order();
      say(`${seconds} s later the order is ${status}, its payment ${payment.status}.`);
    },
    async staffShips(parcel) {
      await got(staff.setStatus({ ...current(), body: { status: "shipped", ...parcel } }));
      say(`Staff ships it with ${parcel.carrier}, tracking number ${parcel.tracking_number}.`);
    },
    async staffDelivers() {
      await got(staff.setStatus({ ...current(), body: { status: "delivered" } }));
      say("It is delivered.");
    },
    async dies(service) {
      if (!supervisor) throw new Refusal(`Only a supervisor can kill ${service}.`);
      const find = async () => (await supervisor.processes()).find(({ name }) => name === service);
      const before = await find();
      await supervisor.kill(service);
      say(`The ${service} service is killed (kill -9 of process ${before?.pid}).`);
      const alive = await eventually(`${service} runs again`, find, (now) => !!now?.pid && now.pid !== before?.pid);
      say(`The supervisor has started it again, as process ${alive?.pid}.`);
    },
  };
  return { scene, orderId: () => id };
}
