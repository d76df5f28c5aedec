import { z } from "zod";
import { Id, Time } from "./common.js";

/** One message to a customer about one event of an order. */
export const Notification = z.object({
  id: Id,
  user_id: Id,
  order_id: Id,
  topic: z.string(),
  /** How it is worded and formatted: the customer's locale where we speak it, else "en". */
  locale: z.string(),
  subject: z.string(),
  text: z.string(),
  /** "log": this system sends no mail. */
  channel: z.enum(["email", "log"]),
  delivery: z.enum(["pending", "sent", "undelivered"]),
  sent_at: Time.nullable(),
  created_at: Time,
});
export type Notification = z.infer<typeof Notification>;
