import { type Logger, pino } from "pino";
import { context, traceId } from "./context.js";

export type { Logger };

/** JSON lines with service, request, order and trace ids and who asks; buffered for a few milliseconds at most. */
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
        if (!here) return {};
        const { request_id, order_id, actor } = here;
        return { request_id, order_id, actor, trace_id: traceId() };
      },
    },
    destination,
  );
}
