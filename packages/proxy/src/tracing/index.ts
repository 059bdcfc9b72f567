export type { Span, TrySpan } from "./span.ts";
export { createTracer } from "./tracer.ts";
export type { Tracer } from "./tracer.ts";
