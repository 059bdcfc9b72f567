export type { Span, SpanFacts, Tracer, TrySpan } from "./tracer.ts";
