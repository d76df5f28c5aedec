import { expect, test } from "vitest";
import { Notification } from "../../contracts/notification.js";
import { draft, failed, mostTries, type Row, sent, unknown, view } from "./delivery.js";

const id = "00000000-0000-4000-8000-00000000000a";
const user_id = "00000000-0000-4000-8000-000000000003";
const now = "2026-11-21T08:00:00.000Z";
const eve = { id: user_id, email: "eve@example.com", name: "Eve", locale: "de-AT", country: "AT" };
const fact = { id, topic: "orders.delivered" as const, data: { order_id: id, user_id, delivered_at: now }, now };
const seconds = (time?: string) => (Date.parse(time as string) - Date.parse(now)) / 1000;

test("a mail is due at once, the log has had it already, an unknown account never gets it", () => {
  expect(draft(fact, eve, "email")).toMatchObject({ delivery: "pending", sent_at: null, due: now, locale: "de-AT" });
  expect(draft(fact, eve, "log")).toMatchObject({ delivery: "sent", sent_at: now, channel: "log" });
  for (const channel of ["email", "log"] as const)
    expect(draft(fact, undefined, channel)).toMatchObject({ delivery: "undelivered", sent_at: null, locale: "en" });
});

test("what failed is tried again at growing pauses, an hour at most, and given up in the end", () => {
  let row: Row = draft(fact, eve, "email");
  const pauses: number[] = [];
  for (let n = 1; n < mostTries; n++) {
    row = { ...row, ...failed(row, "451 later", now) };
    pauses.push(seconds(row.due));
  }
  expect(row).toMatchObject({ delivery: "pending", tries: mostTries - 1, reason: "451 later" });
  expect(pauses.slice(0, 4)).toEqual([2, 4, 8, 16]);
  expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
  expect(pauses.at(-1)).toBe(3600);
  expect(failed(row, "451 later", now)).toEqual({ delivery: "undelivered", tries: mostTries, reason: "451 later" });
});

test("no address is kept of what a mail server said", () => {
  const { reason } = failed(
    draft(fact, eve, "email"),
    "550 5.1.1 <eve@example.com>: no such user eve@example.com",
    now,
  );
  expect(reason).toBe("550 5.1.1 <…>: no such user …");
});

test("what is shown is as the contract says, and no more", () => {
  const row = draft(fact, eve, "email");
  for (const outcome of [{}, sent(now), unknown(), failed(row, "no", now)])
    expect(Notification.strict().parse(view({ ...row, ...outcome }))).toEqual(view({ ...row, ...outcome }));
});
