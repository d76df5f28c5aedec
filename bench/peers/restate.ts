import { createServer } from "node:http2";
import * as restate from "@restatedev/restate-sdk";
import { connect } from "@restatedev/restate-sdk-clients";
import { type Order, save, serveOrders } from "./orders.js";

// The order saga as a Restate workflow. Payment and inventory are Restate services: their journal is where it stands that
// they did it. ROLE says which of the three this process is.

// The SDK uses it, and Node has it from 22 on.
Promise.withResolvers ??= <T>() => {
  let settle!: Pick<PromiseWithResolvers<T>, "resolve" | "reject">;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle };
};

const payment = restate.service({
  name: "payment",
  handlers: {
    charge: (ctx: restate.Context, { id, total }: Order) =>
      ctx.run("charge", () => ({ payment_id: `payment-${id}`, amount: total })),
  },
});

const inventory = restate.service({
  name: "inventory",
  handlers: {
    reserve: (ctx: restate.Context, { id, items }: Order) =>
      ctx.run("reserve", () => ({ reservation_id: `reservation-${id}`, lines: items.length })),
  },
});

const saga = restate.workflow({
  name: "order",
  handlers: {
    run: async (ctx: restate.WorkflowContext, order: Order) => {
      await ctx.serviceClient(payment).charge(order);
      await ctx.run("paid", () => save(order, "paid"));
      await ctx.serviceClient(inventory).reserve(order);
      await ctx.run("confirmed", () => save(order, "confirmed"));
    },
  },
});

const services = { payment, inventory, order: saga };
const role = process.env.ROLE as keyof typeof services;
const handler = restate.createEndpointHandler({ services: [services[role]] });
createServer(handler).listen(Number(process.env.ENDPOINT_PORT), "127.0.0.1");

if (role === "order") {
  const ingress = connect({ url: process.env.RESTATE_URL! });
  await serveOrders(Number(process.env.PORT), (order) => ingress.workflowClient(saga, order.id).workflowSubmit(order));
}
