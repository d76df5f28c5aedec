import { type Logger, pino } from "pino";
import { context, traceId } from "./context.js";

export type { Logger };

/** JSON lines with service, request, order and trace ids; buffered for a few milliseconds at most. */
export function logger(service: string, level: string): Logger {
  const destination = pino.destination({ dest: 1, sync: false, minLength: 4096 });
  setInterval(() => destination.flush(), 100).unref();
  return pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      mixin: () => {
        const here = context();
        return here ? { request_id: here.request_id, order_id: here.order_id, trace_id: traceId() } : {};
      },
    },
    destination,
  );
}
