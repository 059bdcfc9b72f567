export type { TracingResource } from "./encode-spans.ts";
export { TRACING_ERRORS } from "./errors.ts";
export type { TracingErrorCode } from "./errors.ts";
export type { TracingCounters } from "./exporter.ts";
export type { Span, SpanFacts, TrySpan } from "./span.ts";
export { createTracer } from "./tracer.ts";
export type { Tracer, TracerDeps } from "./tracer.ts";
