import type { EventOf } from "../../contracts/events.js";
import type { Notification } from "../../contracts/notification.js";
import type { Contact } from "../../contracts/user.js";
import { message, spoken } from "./message.js";
import type { Told } from "./words.js";

/** A message as stored. `due`: when a pending one is next to be sent. */
export type Row = Notification & { due: string; tries: number; reason: string | null };

/** Two seconds, four, … an hour: the last try is thirteen hours after the first. */
export const mostTries = 24;
const pauseAfter = (tries: number) => Math.min(2 ** tries, 3600) * 1000;

type Fact<T extends Told> = { id: string; topic: T; data: EventOf<T>; now: string };

/** The message about an event. The log needs no sending; an account that does not exist cannot be told. */
export function draft<T extends Told>(
  { id, topic, data, now }: Fact<T>,
  contact: Contact | undefined,
  channel: Notification["channel"],
): Row {
  const { user_id, order_id } = data;
  const locale = spoken(contact?.locale ?? "en");
  const delivery = !contact ? "undelivered" : channel === "log" ? "sent" : "pending";
  return {
    ...{ id, user_id, order_id, topic, locale, ...message(topic, data, locale), channel, delivery },
    sent_at: delivery === "sent" ? now : null,
    created_at: now,
    due: now,
    tries: 0,
    reason: contact ? null : noUser,
  };
}

const noUser = "there is no such user";

export const sent = (now: string): Partial<Row> => ({ delivery: "sent", sent_at: now });
export const unknown = (): Partial<Row> => ({ delivery: "undelivered", reason: noUser });

/** Tried again later, or given up. Mail servers like to repeat the address they refuse; it is not kept. */
export function failed({ tries }: Row, why: string, now: string): Partial<Row> {
  const so_far = { tries: tries + 1, reason: why.replace(/[^\s<>"']+@[^\s<>"']+/g, "…").slice(0, 500) };
  if (so_far.tries >= mostTries) return { ...so_far, delivery: "undelivered" };
  return { ...so_far, due: new Date(Date.parse(now) + pauseAfter(so_far.tries)).toISOString() };
}

export function view({ due, tries, reason, ...notification }: Row): Notification {
  return notification;
}
