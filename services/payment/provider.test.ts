import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import type { Payment } from "./payment.js";
import { provider } from "./provider.js";

const payment = { attempt: 1, method: "card_ok", amount: 500, currency: "EUR" } as Payment;

/** What becomes of a charge whose key the provider knows from a past that we do not. */
async function chargedAgain(known: object, status = 200) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(request.method === "POST" ? 409 : status).end(JSON.stringify(known));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  const outcome = await provider(`http://127.0.0.1:${port}`, 1_000).charge("order-1", payment);
  server.closeAllConnections();
  server.close();
  expect(asked).toEqual(["POST /charges", "GET /charges/order-1%2F1"]);
  return outcome;
}

const there = { charge_id: "c1", status: "succeeded", amount: 500, currency: "EUR" };

test("a key that has paid for the same is the payment", async () => {
  expect(await chargedAgain(there)).toEqual({ kind: "succeeded", provider_id: "c1" });
});

test("a key that was refused, or has paid for something else, does not pay: another attempt has another key", async () => {
  expect(await chargedAgain({ ...there, status: "declined", code: "card_declined" })).toEqual({
    kind: "declined",
    code: "card_declined",
  });
  expect(await chargedAgain({ ...there, amount: 501 })).toEqual({ kind: "declined", code: "key_used" });
});

test("while that is under way, or nobody answers, the outcome is unknown", async () => {
  expect(await chargedAgain({ status: "pending" }, 202)).toEqual({ kind: "unknown" });
  expect(await chargedAgain({}, 500)).toEqual({ kind: "unknown" });
});
