import { expect, test } from "vitest";
import { telemetryEnv } from "./telemetry.js";

test("spans go to a collector on this machine, unless another endpoint is named; what else is set goes along", () => {
  expect(telemetryEnv({ PATH: "/bin" })).toEqual({
    TRACE_URL: expect.stringMatching(/^http:\/\/127.0.0.1:3000\/explore\?.*\{trace_id\}/),
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    OTEL_EXPORTER_OTLP_INSECURE: "true",
  });
  const other = { OTEL_EXPORTER_OTLP_ENDPOINT: "https://otlp.example", OTEL_EXPORTER_OTLP_HEADERS: "key=x" };
  expect(telemetryEnv(other)).toEqual({
    ...other,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    OTEL_EXPORTER_OTLP_INSECURE: "false",
  });
  expect(() => telemetryEnv({ OTEL_EXPORTER_OTLP_ENDPOINT: "127.0.0.1:4318" })).toThrow("is no URL");
});
