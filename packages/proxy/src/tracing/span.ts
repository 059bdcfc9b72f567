import type { Fields, RequestHead } from "@weft/contract";
import { fieldValue } from "@weft/contract";
import type { Clock, Random } from "@weft/kernel";
import { TRACING_EVENTS_MAX } from "./limits.ts";
import type { RetryEvent, SpanRecord, SpanRequest } from "./span-record.ts";
import {
  createSpanId,
  createTraceId,
  formatTraceparent,
  isTracestateValid,
  type TraceContext,
} from "./trace-context.ts";

/** What a span says about where a request came in. */
export interface SpanFacts {
  readonly listener: string;
  /** As OpenTelemetry writes `network.protocol.name`: "http", "bolt", "dubbo". */
  readonly protocolName: string;
  /** As OpenTelemetry writes `network.protocol.version`: "1.0", "1.1", "2"; "" for none. */
  readonly protocolVersion: string;
  /** True when the client's connection uses TLS. */
  readonly isTls: boolean;
  readonly clientAddress: string;
  readonly clientPort: number;
}

/** The server span: from the request's head to the end of the answer. */
export interface Span {
  /** 32 hex digits, for the access log. */
  readonly traceId: string;
  /** Names the route; the span is called "METHOD route". */
  setRoute(route: string): void;
  /** Begins the client span of one try; `attempt` counts from 1. */
  beginTry(cluster: string, host: string, attempt: number): TrySpan;
  /** Ends it. `status` as sent to the client (0: no answer), `grpcStatus` -1 if not gRPC, `error` code or reason or "". */
  end(status: number, grpcStatus: number, error: string): void;
}

/** The client span of one try at a host. */
export interface TrySpan {
  /** `fields` with this try's `traceparent`; `tracestate` stays if it is valid and belongs to the same trace. */
  forward(fields: Fields): Fields;
  /** Ends it. `status` as the host answered (0: no answer), `error` a reset reason or "". */
  end(status: number, grpcStatus: number, error: string): void;
}

/** What spans need of their tracer. */
export interface SpanSink {
  readonly clock: Clock;
  readonly random: Random;
  /** Takes a span that has ended. */
  export(record: SpanRecord): void;
}

/** A server span that is being recorded. */
export class ServerSpan implements Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly isRandom: boolean;
  /** Whether the caller's tracestate belongs to this trace: it does not where the trace begins here. */
  readonly hasParent: boolean;
  readonly sink: SpanSink;
  readonly request: SpanRequest;
  readonly #parentId: string;
  /** Wall time is read once: all times of the request are this plus what a clock that never jumps has measured. */
  readonly #wallUs: number;
  readonly #startMs: number;
  #route: string = "";
  #attempt: number = 0;
  #lastError: string = "";
  #retries: RetryEvent[] = [];
  #isEnded: boolean = false;

  constructor(sink: SpanSink, head: RequestHead, facts: SpanFacts, parent: TraceContext | null) {
    this.sink = sink;
    this.traceId = parent === null ? createTraceId(sink.random) : parent.traceId;
    this.spanId = createSpanId(sink.random);
    this.isRandom = parent === null || parent.isRandom;
    this.hasParent = parent !== null;
    this.request = describeRequest(head, facts);
    this.#parentId = parent === null ? "" : parent.parentId;
    this.#wallUs = sink.clock.wallMs() * 1000;
    this.#startMs = sink.clock.nowMs();
  }

  /** Microseconds since 1970. */
  nowUs(): number {
    return this.#wallUs + Math.round((this.sink.clock.nowMs() - this.#startMs) * 1000);
  }

  setRoute(route: string): void {
    this.#route = route;
  }

  beginTry(cluster: string, host: string, attempt: number): TrySpan {
    this.#attempt = attempt;
    if (attempt > 1 && this.#retries.length < TRACING_EVENTS_MAX) {
      this.#retries.push({ timeUs: this.nowUs(), attempt, cluster, host, reason: this.#lastError });
    }
    return new ClientSpan(this, cluster, host, attempt);
  }

  /** A try has ended: why, for the event of the next one. */
  noteTry(status: number, error: string): void {
    this.#lastError = error === "" ? String(status) : error;
  }

  end(status: number, grpcStatus: number, error: string): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.sink.export({
      kind: "server",
      traceId: this.traceId,
      spanId: this.spanId,
      parentId: this.#parentId,
      isParentRemote: this.hasParent,
      isRandom: this.isRandom,
      request: this.request,
      startUs: this.#wallUs,
      endUs: this.nowUs(),
      route: this.#route,
      cluster: "",
      host: "",
      attempt: this.#attempt,
      status,
      grpcStatus,
      error,
      retries: this.#retries,
    });
  }
}

class ClientSpan implements TrySpan {
  readonly #server: ServerSpan;
  readonly #spanId: string;
  readonly #startUs: number;
  readonly #cluster: string;
  readonly #host: string;
  readonly #attempt: number;
  #isEnded: boolean = false;

  constructor(server: ServerSpan, cluster: string, host: string, attempt: number) {
    this.#server = server;
    this.#spanId = createSpanId(server.sink.random);
    this.#startUs = server.nowUs();
    this.#cluster = cluster;
    this.#host = host;
    this.#attempt = attempt;
  }

  forward(fields: Fields): Fields {
    const keepsState = this.#server.hasParent && isTracestateValid(fields);
    const forwarded: string[] = [];
    for (let index = 0; index < fields.length; index += 2) {
      const name = fields[index] ?? "";
      if (name === "traceparent" || (name === "tracestate" && !keepsState)) continue;
      forwarded.push(name, fields[index + 1] ?? "");
    }
    const { traceId, isRandom } = this.#server;
    forwarded.push("traceparent", formatTraceparent(traceId, this.#spanId, isRandom));
    return forwarded;
  }

  end(status: number, grpcStatus: number, error: string): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const server = this.#server;
    server.noteTry(status, error);
    server.sink.export({
      kind: "client",
      traceId: server.traceId,
      spanId: this.#spanId,
      parentId: server.spanId,
      isParentRemote: false,
      isRandom: server.isRandom,
      request: server.request,
      startUs: this.#startUs,
      endUs: server.nowUs(),
      route: "",
      cluster: this.#cluster,
      host: this.#host,
      attempt: this.#attempt,
      status,
      grpcStatus,
      error,
      retries: [],
    });
  }
}

function describeRequest(head: RequestHead, facts: SpanFacts): SpanRequest {
  return {
    method: head.method,
    scheme: head.scheme === "" ? (facts.isTls ? "https" : "http") : head.scheme,
    authority: head.authority,
    path: head.path,
    userAgent: fieldValue(head.fields, "user-agent") ?? "",
    isGrpc: (fieldValue(head.fields, "content-type") ?? "").startsWith("application/grpc"),
    listener: facts.listener,
    protocolName: facts.protocolName,
    protocolVersion: facts.protocolVersion,
    clientAddress: facts.clientAddress,
    clientPort: facts.clientPort,
  };
}
