import { once } from "node:events";
import { createServer } from "node:http";
import { gunzipSync } from "node:zlib";
import protobuf from "protobufjs";
import { otlpPort } from "./settings.js";

// What an OpenTelemetry Collector is sent, as far as the tests look at it (opentelemetry-proto 1.x).
const { root } = protobuf.parse(`syntax = "proto3";
  message Traces { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { repeated Span spans = 2; }
  message Span { bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
    fixed64 start_time_unix_nano = 7; repeated KeyValue attributes = 9; repeated Link links = 13; Status status = 15; }
  message Link { bytes trace_id = 1; bytes span_id = 2; }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; Any value = 2; }
  message Any { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; }`);
const Traces = root.lookupType("Traces");

type KeyValue = { key: string; value?: Record<string, unknown> };
type Raw = Record<"traceId" | "spanId" | "parentSpanId", Buffer> & {
  name: string;
  kind: number;
  status?: { code?: number };
} & {
  attributes?: KeyValue[];
  links?: { traceId: Buffer; spanId: Buffer }[];
};
type Batch = { resource?: { attributes?: KeyValue[] }; scopeSpans?: { spans?: Raw[] }[] };
export type Seen = {
  service: string;
  name: string;
  kind: string;
  trace: string;
  id: string;
  parent: string;
  links: string[];
  failed: boolean;
  attributes: Record<string, unknown>;
};

const kinds = ["", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("hex");
const flat = (attributes: KeyValue[] = []) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value ?? {})[0]]));

function spansIn(body: Buffer): Seen[] {
  const { resourceSpans = [] } = Traces.toObject(Traces.decode(body), { longs: Number }) as { resourceSpans?: Batch[] };
  return resourceSpans.flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans.flatMap(({ spans = [] }) =>
      spans.map((span) => ({
        service: String(flat(resource?.attributes)["service.name"]),
        name: span.name,
        kind: kinds[span.kind] ?? "",
        trace: hex(span.traceId),
        id: hex(span.spanId),
        parent: hex(span.parentSpanId),
        links: (span.links ?? []).map((link) => hex(link.traceId)),
        failed: span.status?.code === 2,
        attributes: flat(span.attributes),
      })),
    ),
  );
}

/** Names of ours are made of words and underscores, and nothing else in there has two of them. */
const names = /[a-z]+(_[a-z0-9]+){2,}/g;

/** Keeps the spans that it is sent over OTLP/HTTP, and the names of the metrics. */
export async function collector() {
  const seen: Seen[] = [];
  const metrics = new Set<string>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const sent = request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
    if (request.url === "/v1/traces") seen.push(...spansIn(sent));
    if (request.url === "/v1/metrics") for (const [name] of sent.toString("latin1").matchAll(names)) metrics.add(name);
    response.end();
  }).listen(otlpPort, "127.0.0.1");
  await once(server, "listening");
  return {
    seen,
    metrics,
    of: (trace: string) => seen.filter((span) => span.trace === trace),
    close: () => server.close(),
  };
}
