import { AsyncLocalStorage } from "node:async_hooks";
import { randomUUID } from "node:crypto";

/** What every log line and every call onward carries about the request or event at hand. */
export type Context = { request_id: string; traceparent: string; order_id?: string; actor?: string };

const storage = new AsyncLocalStorage<Context>();

export const isTraceparent = (text: string): boolean => /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(text);

/** A W3C trace context of its own, not sampled. */
export const freshTraceparent = (): string => `00-${hex()}-${hex().slice(-16)}-00`;

/** Node keeps random bytes in stock for this alone; asking the system for some costs as much as a small request. */
const hex = () => randomUUID().replaceAll("-", "");

export const within = <T>(context: Context | undefined, run: () => T): T => storage.run(context as Context, run);
export const context = (): Context | undefined => storage.getStore();
export const traceIdOf = (traceparent: string): string => traceparent.slice(3, 35);
export const traceId = (): string | null => {
  const here = storage.getStore();
  return here ? traceIdOf(here.traceparent) : null;
};

/** From here on the log lines of this request name the order. */
export function about(orderId: string): void {
  const here = storage.getStore();
  if (here) here.order_id = orderId;
}

/** From here on they name who asks. */
export function by(actor: string): void {
  const here = storage.getStore();
  if (here) here.actor = actor;
}
