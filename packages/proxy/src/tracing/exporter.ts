import { type Backoff, type Clock, createBackoff, type Random, Ring, sleep, type TimerHandle } from "@weft/kernel";
import type { Log } from "../log.ts";
import { encodeSpans, type TracingResource } from "./encode-spans.ts";
import {
  TRACING_BATCH_SPANS_MAX,
  TRACING_CLOSE_MS,
  TRACING_EXPORT_TIMEOUT_MS,
  TRACING_FLUSH_MS,
  TRACING_QUEUE_CHARS_MAX,
  TRACING_QUEUE_SPANS_MAX,
  TRACING_RETRIES_MAX,
  TRACING_RETRY_BASE_MS,
  TRACING_RETRY_MAX_MS,
  TRACING_WARN_PERIOD_MS,
} from "./limits.ts";
import { type Delivery, OtlpClient } from "./otlp-client.ts";
import type { SpanRecord } from "./span-record.ts";

/** Where tracing counts; `ProcessStats` has these fields. */
export interface TracingCounters {
  spans: number;
  spansDropped: number;
}

export interface ExporterDeps {
  readonly resource: TracingResource;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly counters: TracingCounters;
}

/** Delivers spans in batches, one delivery at a time, from a bounded queue. */
export class SpanExporter {
  readonly #client: OtlpClient;
  readonly #deps: ExporterDeps;
  readonly #queue: Ring<SpanRecord> = new Ring(TRACING_QUEUE_SPANS_MAX);
  readonly #abort: AbortController = new AbortController();
  readonly #backoff: Backoff;
  #queueChars: number = 0;
  #timer: TimerHandle | undefined = undefined;
  #delivering: Promise<void> | undefined = undefined;
  #closed: Promise<void> | undefined = undefined;
  #warnedAtMs: number = Number.NEGATIVE_INFINITY;

  /** @throws WeftError TRACING_ENDPOINT_INVALID */
  constructor(endpoint: string, deps: ExporterDeps) {
    this.#client = new OtlpClient(endpoint);
    this.#deps = deps;
    const { random } = deps;
    this.#backoff = createBackoff({ baseMs: TRACING_RETRY_BASE_MS, maxMs: TRACING_RETRY_MAX_MS, random });
  }

  /** Takes a span for a later turn; drops and counts it when the queue is full. */
  add(record: SpanRecord): void {
    const chars = charsOf(record);
    const isOver = this.#queueChars + chars > TRACING_QUEUE_CHARS_MAX;
    if (this.#closed !== undefined || isOver || !this.#queue.push(record)) {
      this.#deps.counters.spansDropped++;
      return;
    }
    this.#queueChars += chars;
    if (this.#delivering !== undefined) return;
    if (this.#queue.length >= TRACING_BATCH_SPANS_MAX) this.#arm(0);
    else if (this.#timer === undefined) this.#arm(TRACING_FLUSH_MS);
  }

  /** Delivers what waits, within `TRACING_CLOSE_MS`; what is left then is dropped and counted. */
  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  async #finish(): Promise<void> {
    const { clock, counters } = this.#deps;
    const deadline = clock.setTimer(() => this.#abort.abort(), TRACING_CLOSE_MS);
    await this.#deliver();
    clock.clearTimer(deadline);
    counters.spansDropped += this.#queue.length;
    this.#queue.clear();
    this.#client.close();
  }

  #arm(delayMs: number): void {
    if (this.#timer !== undefined) this.#deps.clock.clearTimer(this.#timer);
    this.#timer = this.#deps.clock.setTimer(() => void this.#deliver(), delayMs);
    this.#timer.unref();
  }

  /** Delivers until the queue is empty. Never rejects. */
  #deliver(): Promise<void> {
    if (this.#timer !== undefined) this.#deps.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#delivering ??= this.#deliverAll().finally(() => {
      this.#delivering = undefined;
    });
    return this.#delivering;
  }

  async #deliverAll(): Promise<void> {
    while (this.#queue.length > 0 && !this.#abort.signal.aborted) {
      const batch: SpanRecord[] = [];
      while (batch.length < TRACING_BATCH_SPANS_MAX) {
        const record = this.#queue.shift();
        if (record === undefined) break;
        this.#queueChars -= charsOf(record);
        batch.push(record);
      }
      const delivered = await this.#deliverBatch(encodeSpans(batch, this.#deps.resource), batch.length);
      this.#deps.counters.spans += delivered;
      this.#deps.counters.spansDropped += batch.length - delivered;
    }
  }

  /** How many of the batch's spans the collector took. */
  async #deliverBatch(body: string, count: number): Promise<number> {
    const { signal } = this.#abort;
    this.#backoff.reset();
    for (let retries = 0; ; retries++) {
      const delivery = await this.#sendOnce(body);
      if (delivery.outcome === "delivered") {
        if (delivery.rejected > 0) this.#warn(`the collector rejected spans: ${delivery.detail}`);
        return Math.max(0, count - delivery.rejected);
      }
      this.#warn(delivery.detail);
      if (delivery.outcome === "refused" || retries === TRACING_RETRIES_MAX || signal.aborted) return 0;
      const waitMs = Math.min(TRACING_RETRY_MAX_MS, Math.max(this.#backoff.nextMs(), delivery.retryAfterMs));
      try {
        await sleep(this.#deps.clock, waitMs, signal);
      } catch {
        // Closing: there is no time for another try.
        return 0;
      }
    }
  }

  async #sendOnce(body: string): Promise<Delivery> {
    const { clock } = this.#deps;
    const timeout = new AbortController();
    const timer = clock.setTimer(() => timeout.abort(), TRACING_EXPORT_TIMEOUT_MS);
    const delivery = await this.#client.send(body, AbortSignal.any([this.#abort.signal, timeout.signal]));
    clock.clearTimer(timer);
    return delivery;
  }

  #warn(reason: string): void {
    const nowMs = this.#deps.clock.nowMs();
    if (nowMs - this.#warnedAtMs < TRACING_WARN_PERIOD_MS) return;
    this.#warnedAtMs = nowMs;
    this.#deps.log.warn("spans cannot be delivered", { reason, dropped: this.#deps.counters.spansDropped });
  }
}

/** Characters of the texts whose length a client chooses; a server span counts those that its tries share. */
function charsOf({ kind, request }: SpanRecord): number {
  if (kind === "client") return 0;
  return request.method.length + request.authority.length + request.path.length + request.userAgent.length;
}
