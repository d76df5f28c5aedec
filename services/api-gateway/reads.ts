import { api } from "../../contracts/api.js";
import { Id } from "../../contracts/common.js";
import { OrdersAnswer } from "../../contracts/order.js";
import { batched } from "../../kit/batch.js";
import { type Answer, type Ask, identity } from "./forward.js";

/** Who waits for an order asks for it again and again: this path is asked more often than all others. */
const ofAnOrder = /^\/orders?\/([^/?]+)$/;
const json = "application/json";
const atOnce = { most: 50, lanes: 4 };

type Question = Parameters<Ask>[1];
type Read = { question: Question; asked: { id: string; authorization: string } };

/**
 * Reads of single orders that come while others are under way go to the order service together, each with its own bearer:
 * a way through two sidecars costs more than the read at its end. Whoever is alone, or gets no order that way, asks as
 * it came.
 */
export function readTogether(ask: Ask): Ask {
  const { service } = api.order;

  const read = batched<Read, Answer>(atOnce, async (reads) => {
    const found = reads.length > 1 ? await together(reads.map(({ asked }) => asked)).catch(() => []) : [];
    return Promise.all(reads.map(({ question }, n) => found[n] ?? ask(service, question)));
  });

  async function together(asked: Read["asked"][]): Promise<(Answer | undefined)[]> {
    const headers = { ...identity(), "content-type": json };
    const body = JSON.stringify({ asked });
    const { text } = await ask("order", { path: "/rpc/orders", method: "POST", headers, body });
    const { orders } = OrdersAnswer.parse(JSON.parse(text));
    return orders.map((order) => {
      if (!order) return undefined;
      return {
        statusCode: 200,
        headers: { "content-type": `${json}; charset=utf-8`, etag: order.etag },
        text: order.text,
      };
    });
  }

  return (app, question) => {
    const isRead = app === service && question.method === "GET";
    // What is no id would have the question of all refused.
    const { data: id } = Id.safeParse(isRead ? ofAnOrder.exec(question.path)?.[1] : undefined);
    const { authorization } = question.headers;
    return id && authorization ? read({ question, asked: { id, authorization } }) : ask(app, question);
  };
}
