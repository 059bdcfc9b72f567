import type { RequestHead, TracingSettings } from "@weft/contract";
import type { Clock, Random } from "@weft/kernel";
import { type ExporterDeps, SpanExporter } from "./exporter.ts";
import { ServerSpan, type Span, type SpanFacts, type SpanSink } from "./span.ts";
import type { SpanRecord } from "./span-record.ts";
import { isUnsampled, parseTraceparent, traceparentOf } from "./trace-context.ts";

/** Begins spans. */
export interface Tracer {
  /** False: nothing is recorded; trace context passes unchanged and the request path need not ask further. */
  readonly isOn: boolean;
  /**
   * A span for this request if its trace is sampled: by the caller (a valid `traceparent` with the sampled flag), or by
   * chance where the caller sent none. Null otherwise; the request's fields then go on unchanged.
   */
  begin(head: RequestHead, facts: SpanFacts): Span | null;
  /** Delivers what was recorded, within a deadline. */
  close(): Promise<void>;
}

/** What a tracer needs; the counters may be the `process` of a `MetricsRegistry`. */
export type TracerDeps = ExporterDeps;

/**
 * Creates the tracer that the settings describe. Without an endpoint nothing is recorded.
 *
 * @throws WeftError TRACING_ENDPOINT_INVALID
 * @example
 * const tracer = createTracer(settings.tracing, { resource, clock, random, log, counters: registry.process });
 * const span = tracer.isOn ? tracer.begin(head, facts) : null;
 */
export function createTracer(settings: TracingSettings, deps: TracerDeps): Tracer {
  return settings.otlpEndpoint === "" ? OFF : new ExportingTracer(settings, deps);
}

const OFF: Tracer = {
  isOn: false,
  begin: () => null,
  close: () => Promise.resolve(),
};

class ExportingTracer implements Tracer, SpanSink {
  readonly isOn: boolean = true;
  readonly clock: Clock;
  readonly random: Random;
  readonly #sample: number;
  readonly #exporter: SpanExporter;

  constructor(settings: TracingSettings, deps: TracerDeps) {
    this.clock = deps.clock;
    this.random = deps.random;
    this.#sample = settings.sample;
    this.#exporter = new SpanExporter(settings.otlpEndpoint, deps);
  }

  begin(head: RequestHead, facts: SpanFacts): Span | null {
    const value = traceparentOf(head.fields);
    if (value === undefined) return this.#isChosen() ? new ServerSpan(this, head, facts, null) : null;
    if (isUnsampled(value)) return null;
    const parent = parseTraceparent(value);
    return parent !== null || this.#isChosen() ? new ServerSpan(this, head, facts, parent) : null;
  }

  export(record: SpanRecord): void {
    this.#exporter.add(record);
  }

  close(): Promise<void> {
    return this.#exporter.close();
  }

  #isChosen(): boolean {
    return this.#sample >= 1 || (this.#sample > 0 && this.random.next() < this.#sample);
  }
}
