import type { Attributes, Link, SpanContext, SpanKind, Tracer } from "@opentelemetry/api";
import { context, freshTraceparent, isTraceparent, within } from "./context.js";

// Spans of our own, which join those of Dapr: W3C trace context travels in headers, events and outbox rows anyway. Without
// an endpoint nothing of OpenTelemetry is loaded, and what was given goes on as it came.

export type Kind = "SERVER" | "CLIENT" | "PRODUCER" | "CONSUMER" | "INTERNAL";
export type Span = {
  traceparent: string;
  end: (outcome?: { name?: string; attributes?: Attributes; error?: unknown }) => void;
};
type Begin = (name: string, kind: Kind, parent: string | undefined, link?: string) => Span;
type Env = { OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined };

const nothing = () => undefined;
const passOn: Begin = (_name, _kind, parent) => ({ traceparent: parent ?? freshTraceparent(), end: nothing });

/** Begins a span under `parent`, or a trace of its own; `link` names another trace that it has to do with. */
export let begin: Begin = passOn;

/** For calls that belong to no trace: what Dapr makes of them is not recorded. */
export const unrecorded = `00-${"0".repeat(31)}1-${"0".repeat(15)}1-00`;

/** Runs within a span of the trace at hand, which ends with it and tells its failure. */
export async function traced<T>(name: string, kind: Kind, run: () => Promise<T>, link?: string): Promise<T> {
  if (begin === passOn) return run();
  const here = context();
  const span = begin(name, kind, here?.traceparent, link);
  const attributes = () => (here?.order_id ? { "order.id": here.order_id } : {});
  try {
    const done = await within({ request_id: "", ...here, traceparent: span.traceparent }, run);
    span.end({ attributes: attributes() });
    return done;
  } catch (error) {
    span.end({ attributes: attributes(), error });
    throw error;
  }
}

/** The same in the trace that `home` finds, where the one at hand, which is linked, is another. Asked only when it is of use. */
export async function tracedAt<T>(
  home: () => Promise<string | undefined>,
  name: string,
  kind: Kind,
  run: () => Promise<T>,
): Promise<T> {
  if (begin === passOn) return run();
  const here = context();
  const traceparent = (await home()) ?? here?.traceparent ?? freshTraceparent();
  return within({ request_id: "", ...here, traceparent }, () => traced(name, kind, run, here?.traceparent));
}

/**
 * From now on spans are sent to the OTLP endpoint of the environment (http/protobuf, and what else OpenTelemetry's variables
 * say: headers, sampler argument). Gives what sends the rest when the service stops.
 */
export async function startTracing(service: string, env: Env): Promise<() => Promise<void>> {
  if (!env.OTEL_EXPORTER_OTLP_ENDPOINT) return async () => undefined;
  const [otel, sdk, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import("@opentelemetry/api"),
    import("@opentelemetry/sdk-trace-base"),
    import("@opentelemetry/exporter-trace-otlp-proto"),
    import("@opentelemetry/resources"),
  ]);
  const provider = new sdk.BasicTracerProvider({
    resource: resourceFromAttributes({ "service.name": service }),
    spanProcessors: [new sdk.BatchSpanProcessor(new OTLPTraceExporter(), { scheduledDelayMillis: 1_000 })],
  });
  begin = beginner(provider.getTracer("orders-on-dapr"), otel);
  return () => provider.shutdown();
}

type Otel = typeof import("@opentelemetry/api");

function beginner(tracer: Tracer, { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace }: Otel): Begin {
  const under = (parent: string | undefined) =>
    parent ? trace.setSpanContext(ROOT_CONTEXT, spanContextOf(parent)) : ROOT_CONTEXT;
  return (name, kind, parent, link) => {
    const links: Link[] = link ? [{ context: spanContextOf(link) }] : [];
    const span = tracer.startSpan(name, { kind: SpanKind[kind] as SpanKind, links }, under(parent));
    const { traceId, spanId, traceFlags } = span.spanContext();
    return {
      traceparent: `00-${traceId}-${spanId}-${traceFlags === 0 ? "00" : "01"}`,
      end({ name: better, attributes, error } = {}) {
        if (better) span.updateName(better);
        if (attributes) span.setAttributes(attributes);
        if (error !== undefined) {
          span.setStatus({
            code: SpanStatusCode.ERROR,
            message: error instanceof Error ? error.message : String(error),
          });
        }
        span.end();
      },
    };
  };
}

function spanContextOf(traceparent: string): SpanContext {
  const [, traceId = "", spanId = "", flags = "00"] = isTraceparent(traceparent) ? traceparent.split("-") : [];
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
}
