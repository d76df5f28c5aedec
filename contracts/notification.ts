import { z } from "zod";
import { Id, Time } from "./common.js";

/** One message to a customer about one event of an order. */
export const Notification = z.object({
  id: Id,
  user_id: Id,
  order_id: Id,
  topic: z.string(),
  subject: z.string(),
  text: z.string(),
  created_at: Time,
});
export type Notification = z.infer<typeof Notification>;
