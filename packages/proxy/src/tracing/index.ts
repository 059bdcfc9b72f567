export { OtlpClient } from "./otlp-client.ts";
export type { Span, TrySpan } from "./span.ts";
export { createUnsampledTraceparent, traceIdOf } from "./trace-context.ts";
export { createTracer } from "./tracer.ts";
export type { Tracer } from "./tracer.ts";
