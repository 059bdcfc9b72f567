import {
  type Answer,
  type Fields,
  fieldValue,
  type Mirror,
  type Refusal,
  type RequestHead,
  type ResetReason,
  type ResponseHead,
} from "@weft/contract";
import { type Backoff, createBackoff } from "@weft/kernel";
import { callerTimeoutMs, timeoutMsOf } from "./admission.ts";
import type { ClusterRuntime } from "./cluster-runtime.ts";
import { type CircuitBreaker, hostKey } from "./cluster/index.ts";
import type { DownstreamConnection } from "./downstream/index.ts";
import {
  type FaultDraw,
  markRequest,
  NO_MARKS,
  requestIdOf,
  type RequestMarks,
  requestTrailers,
  withMarks,
  withRequestId,
} from "./filter/index.ts";
import { GRPC_NONE, grpcStatusOf, isGrpcFailure } from "./grpc-status.ts";
import { withGrpcTimeout } from "./grpc-timeout.ts";
import { TRIES_MAX, UNPROCESSED_RETRIES_MAX } from "./limits.ts";
import { type ClusterOutcome, countAnswer, countGrpcStatus, type RouteStats } from "./metrics/index.ts";
import { MirrorCopies } from "./mirror.ts";
import { PROTOCOL_NAMES } from "./protocol-names.ts";
import type { RequestPathDeps } from "./request-path-deps.ts";
import type { RetryVerdict } from "./retry-judge.ts";
import {
  changeFields,
  type CompiledBackend,
  type CompiledRetry,
  type CompiledRule,
  type RouteDecision,
} from "./router/index.ts";
import { type Span, traceIdOf, type TrySpan } from "./tracing/index.ts";

/**
 * The books of one request: what it is counted, logged and traced as, and how many tries it had. The exchange decides,
 * the record remembers.
 */
export class RequestRecord {
  readonly startedMs: number;
  cluster: ClusterRuntime | null = null;
  attempts: number = 0;
  /** Bytes of the request's body and of the answer's. */
  receivedBytes: number = 0;
  sentBytes: number = 0;
  /** As sent to the client; 0 while nothing was. */
  status: number = 0;
  grpcStatus: number = GRPC_NONE;
  /** A code of docs/ERRORS.md or a `ResetReason`; "" while all goes well. */
  error: string = "";
  /** A fault filter answers this request after its delay. */
  abort: boolean = false;
  readonly #deps: RequestPathDeps;
  readonly #connection: DownstreamConnection;
  readonly #head: RequestHead;
  #rule: CompiledRule | null = null;
  #stats: RouteStats | null = null;
  #host: string = "";
  #failure: string = "";
  /** Places that the circuit breaker of the cluster counts for this request. */
  #holdsRequestPlace: boolean = false;
  #holdsRetryPlace: boolean = false;
  #unprocessedRetries: number = 0;
  #policyRetries: number = 0;
  #backoff: Backoff | null = null;
  /** When a call of gRPC is over, whose hosts are told what is left; 0 for others. */
  #callerDeadlineMs: number = 0;
  #span: Span | null = null;
  #trySpan: TrySpan | null = null;
  #mirrors: MirrorCopies | null = null;
  /** What the listener gave the request so that it can be found again. */
  #marks: RequestMarks = NO_MARKS;

  constructor(deps: RequestPathDeps, connection: DownstreamConnection, head: RequestHead) {
    this.startedMs = deps.clock.nowMs();
    this.#deps = deps;
    this.#connection = connection;
    this.#head = head;
    const { stats } = connection.listener;
    stats.requests[connection.peer.protocol]++;
    stats.requestsActive++;
    if (deps.tracer.isOn) this.#beginSpan();
    const { config } = connection.listener;
    if (config.requestId !== "pass" || config.startsTraces) {
      this.#marks = markRequest(config, head, this.#span !== null, deps.random);
    }
  }

  get routeStats(): RouteStats | null {
    return this.#stats;
  }

  setRoute(rule: CompiledRule, stats: RouteStats): void {
    this.#rule = rule;
    this.#stats = stats;
    stats.requestsActive++;
    this.#span?.setRoute(rule.route);
  }

  setCluster(cluster: ClusterRuntime): void {
    this.cluster = cluster;
    cluster.stats.requestsActive++;
  }

  /** Why the last try failed; for the log. */
  setFailure(reason: ResetReason, detail: string): void {
    this.error = reason;
    this.#failure = detail;
    this.#trySpan?.end(0, GRPC_NONE, reason);
    this.#trySpan = null;
    if (this.cluster !== null) this.cluster.stats.outcomes[outcomeOf(reason)]++;
  }

  /** The answer of a host begins, and no try can follow. `whole` is its head where that is all; then it ends as it begins. */
  beginAnswer(status: number, whole: ResponseHead | null): void {
    this.releaseRetryPlace();
    this.error = "";
    this.#failure = "";
    this.status = status;
    if (whole !== null) this.grpcStatus = grpcStatusOf(whole.fields);
  }

  /** The answer is one of our own. */
  setOwnAnswer(head: ResponseHead, bodyBytes: number): void {
    this.status = head.status;
    this.sentBytes += bodyBytes;
    this.grpcStatus = grpcStatusOf(head.fields);
  }

  /** The request's codec refuses the rest of it, and sends `answer`. */
  setRefusal({ code, status }: Refusal, answer: Answer | null): void {
    this.error = code;
    this.status = status;
    this.sentBytes = answer === null ? 0 : answer.body.length;
  }

  /** `head` as the client gets it: with its Date, and the request's id where the listener wants that said. */
  finalHead(head: ResponseHead): ResponseHead {
    const dated = this.#deps.dates.dated(head);
    return this.#connection.listener.config.echoesRequestId ? withRequestId(dated, this.#requestId) : dated;
  }

  get #requestId(): string {
    return this.#marks.requestId === "" ? requestIdOf(this.#head.fields) : this.#marks.requestId;
  }

  get #traceId(): string {
    if (this.#span !== null) return this.#span.traceId;
    const { traceparent } = this.#marks;
    return traceIdOf(traceparent === "" ? this.#head.fields : ["traceparent", traceparent]);
  }

  countFault(draw: FaultDraw): void {
    if (this.#stats === null) return;
    if (draw.delayMs > 0) this.#stats.faults.delay++;
    if (draw.aborts) this.#stats.faults.abort++;
  }

  /** How long the request may take on a route; 0 for any time. */
  limitTime(routeTimeoutMs: number): number {
    const callerMs = callerTimeoutMs(this.#head);
    const timeoutMs = timeoutMsOf(routeTimeoutMs, callerMs);
    if (callerMs > 0 && this.#head.frame === null) this.#callerDeadlineMs = this.startedMs + timeoutMs;
    return timeoutMs;
  }

  /** Notes the host of a try; the head as the host gets it, null when the request runs in a circle. */
  headOfTry(host: string, decision: RouteDecision, backend: CompiledBackend): RequestHead | null {
    this.#host = host;
    const { forwarder, listener } = this.#connection;
    const base = decision.forwardedHead(backend);
    const head = forwarder.forward(base, this.#deps.settings.hopsMax, this.#head.authority);
    if (head === null) {
      listener.stats.loops++;
      return null;
    }
    const leftMs = this.#callerDeadlineMs - this.#deps.clock.nowMs();
    const timed = this.#callerDeadlineMs === 0 ? head : withGrpcTimeout(head, leftMs);
    const marked = withMarks(timed, this.#marks);
    if (this.#span === null) return marked;
    this.#trySpan = this.#span.beginTry(this.cluster?.cluster.name ?? "", host, this.attempts + 1);
    return marked.withFields(this.#trySpan.forward(marked.fields));
  }

  /** A place among the cluster's requests, held over all tries. */
  acquireRequestPlace(cluster: ClusterRuntime): ReturnType<CircuitBreaker["tryAcquireRequest"]> {
    const place = cluster.breaker.tryAcquireRequest();
    this.#holdsRequestPlace = place === "acquired";
    return place;
  }

  releaseRetryPlace(): void {
    if (this.#holdsRetryPlace) this.cluster?.breaker.releaseRetry();
    this.#holdsRetryPlace = false;
  }

  releasePlaces(): void {
    this.releaseRetryPlace();
    if (this.#holdsRequestPlace) this.cluster?.breaker.releaseRequest();
    this.#holdsRequestPlace = false;
  }

  /** Whether another try under the route's policy would be within its number. */
  mayRetryAgain(retry: CompiledRetry): boolean {
    return this.attempts < TRIES_MAX && this.#policyRetries < retry.retriesMax;
  }

  /**
   * Begins another try where the policy and the limits of the cluster allow one; counts it. Its place among the cluster's
   * retries is held until an answer begins: what follows is a request like any other.
   */
  beginRetry(verdict: Exclude<RetryVerdict, "no">, decision: RouteDecision): boolean {
    const { cluster } = this;
    if (cluster === null || !this.#countRetry(verdict, decision, cluster)) return false;
    this.#holdsRetryPlace ||= cluster.breaker.tryAcquireRetry() === "acquired";
    if (this.#holdsRetryPlace) cluster.stats.retries++;
    return this.#holdsRetryPlace;
  }

  #countRetry(verdict: Exclude<RetryVerdict, "no">, { rule }: RouteDecision, { stats }: ClusterRuntime): boolean {
    if (this.attempts >= TRIES_MAX) return false;
    if (verdict === "unprocessed") return this.#unprocessedRetries++ < UNPROCESSED_RETRIES_MAX;
    const retriesMax = rule.retry?.retriesMax ?? 0;
    if (this.#policyRetries < retriesMax) {
      this.#policyRetries++;
      return true;
    }
    if (retriesMax > 0) stats.retriesExhausted++;
    return false;
  }

  nextBackoffMs(decision: RouteDecision): number {
    const retry = decision.rule.retry;
    if (retry === null || retry.backoffBaseMs === 0) return 0;
    this.#backoff ??= createBackoff({
      baseMs: retry.backoffBaseMs,
      maxMs: Math.max(retry.backoffBaseMs, retry.backoffMaxMs),
      random: this.#deps.random,
    });
    return this.#backoff.nextMs();
  }

  startMirrors(decision: RouteDecision, mirrors: readonly Mirror[], isEnd: boolean): void {
    const head = this.#connection.forwarder.forward(decision.forwardedHead(null), this.#deps.settings.hopsMax);
    // A request that runs in a circle is answered so, and not copied any further.
    if (head === null) return;
    this.#mirrors = MirrorCopies.start(this.#deps, withMarks(head, this.#marks), mirrors, isEnd);
    if (this.#mirrors !== null && this.#stats !== null) this.#stats.mirrors += this.#mirrors.count;
  }

  mirrorData(bytes: Buffer, start: number, end: number, isEnd: boolean): void {
    this.#mirrors?.sendData(bytes, start, end, isEnd);
  }

  mirrorTrailers(fields: Fields): void {
    this.#mirrors?.sendTrailers(fields);
  }

  /** The trailers of the request as hosts get them. */
  requestTrailers(fields: Fields): Fields {
    const change = this.#rule?.requestTrailerChange ?? null;
    const kept = requestTrailers(fields);
    return change === null ? kept : changeFields(kept, change);
  }

  /** Notes how a gRPC host says that it went; the trailers as the client gets them. */
  answerTrailers(fields: Fields): Fields {
    this.grpcStatus = grpcStatusOf(fields);
    const change = this.#rule?.responseTrailerChange ?? null;
    return change === null ? fields : changeFields(fields, change);
  }

  /** The request is over: counts, log and trace. */
  end(hasRequestEnded: boolean): void {
    const nowMs = this.#deps.clock.nowMs();
    const durationMs = nowMs - this.startedMs;
    this.#connection.noteActivity(nowMs);
    this.#connection.listener.stats.requestsActive--;
    if (this.cluster !== null) {
      this.cluster.stats.requestsActive--;
      const isFailure = this.status >= 500 || isGrpcFailure(this.grpcStatus);
      if (this.error === "") this.cluster.stats.outcomes[isFailure ? "failure" : "success"]++;
    }
    const stats = this.#stats;
    if (stats !== null) {
      stats.requestsActive--;
      countAnswer(stats, this.status, durationMs * 1000, this.receivedBytes, this.sentBytes);
      if (this.grpcStatus >= 0) countGrpcStatus(stats, this.grpcStatus);
      if (this.error === "PROXY_TIMEOUT") stats.timeouts++;
    }
    if (!hasRequestEnded) this.#mirrors?.cut();
    this.#trySpan?.end(this.status, this.grpcStatus, this.error);
    this.#span?.end(this.status, this.grpcStatus, this.error);
    const { accessLog } = this.#deps;
    const route = this.#rule?.route ?? "";
    if (accessLog.isOn && accessLog.isWanted(this.status, durationMs, route)) this.#log(durationMs, route);
  }

  #log(durationMs: number, route: string): void {
    const head = this.#head;
    const { peer } = this.#connection;
    this.#deps.accessLog.record({
      startMs: this.#deps.clock.wallMs() - durationMs,
      durationMs,
      method: head.method,
      authority: head.authority,
      path: head.path,
      protocol: PROTOCOL_NAMES[peer.protocol].log,
      status: this.status,
      grpcStatus: this.grpcStatus,
      receivedBytes: this.receivedBytes,
      sentBytes: this.sentBytes,
      listener: this.#connection.listener.config.name,
      route,
      rule: this.#rule?.label ?? "",
      cluster: this.cluster?.cluster.name ?? "",
      host: this.#host,
      attempts: this.attempts,
      error: this.#failure === "" ? this.error : `${this.error}: ${this.#failure}`,
      client: hostKey(peer.address, peer.port),
      traceId: this.#traceId,
      userAgent: fieldValue(head.fields, "user-agent") ?? "",
      requestId: this.#requestId,
    });
  }

  #beginSpan(): void {
    const { listener, peer } = this.#connection;
    const { name, version } = PROTOCOL_NAMES[peer.protocol];
    this.#span = this.#deps.tracer.begin(this.#head, {
      listener: listener.config.name,
      protocolName: name,
      protocolVersion: version,
      isTls: peer.isTls,
      clientAddress: peer.address,
      clientPort: peer.port,
    });
  }
}

function outcomeOf(reason: ResetReason): ClusterOutcome {
  switch (reason) {
    case "timeout":
    case "refused":
    case "overloaded":
    case "cancelled":
    case "protocol":
      return reason;
    case "connect":
      return "connect-failure";
    case "connection":
    case "too-large":
    case "internal":
      return "reset";
  }
}
