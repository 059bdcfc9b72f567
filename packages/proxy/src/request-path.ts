import type {
  Answer,
  Fields,
  Refusal,
  RequestHead,
  RequestReceiver,
  ResetReason,
  ResponseHead,
  ServerStream,
} from "@weft/contract";
import { TimerEntry, type TimerOwner } from "@weft/kernel";
import { isSpokenBy, judgeRequest } from "./admission.ts";
import { type AnswerCode, errorAnswer, errorOf, isClientFault, isGrpcRequest, refusalAnswer } from "./answer.ts";
import { BodyPace, mayPause } from "./body-pace.ts";
import type { Host } from "./cluster/index.ts";
import type { DownstreamConnection } from "./downstream/index.ts";
import { drawFault, withoutColour } from "./filter/index.ts";
import type { AnswerHolds } from "./held-answer.ts";
import { answerLocally, faultAnswer, withCors } from "./local-answer.ts";
import type { HostPool } from "./pool/index.ts";
import { ReplayBuffer } from "./replay-buffer.ts";
import type { RequestPathDeps } from "./request-path-deps.ts";
import { RequestRecord } from "./request-record.ts";
import { isWorthHolding, judgeFailure, judgeStatus, type RetryVerdict } from "./retry-judge.ts";
import { type CompiledBackend, requestHash, type RouteDecision, withResponseChanges } from "./router/index.ts";
import { type TryOwner, UpstreamTry } from "./upstream-try.ts";

const TIMER_DEADLINE = 0;
const TIMER_STEP = 1;
const TIMER_IDLE = 2;

const EMPTY = Buffer.alloc(0);
const NO_HOSTS: readonly Host<HostPool>[] = [];

/** What the step timer waits for. */
type Step = "none" | "fault-delay" | "backoff" | "connection" | "try" | "answer";

/**
 * One request, from its head to the end of its answer. Read it from top to bottom, `begin` first; each step calls the
 * next, and whatever goes wrong ends in `#answerError`:
 *
 *     begin -> #route -> #applyFilters -> #try -> onTryOpen -> onTryHead -> onTryData -> #finish
 *                                          ^____________________|  retry: #tryAgain
 *
 * Bodies flow through without being kept: a piece is given to the other side within the call that brings it, and the
 * sender gets new credit (`consume`) only when the other side has taken it.
 */
export class Exchange implements RequestReceiver, TryOwner, TimerOwner {
  readonly #deps: RequestPathDeps;
  readonly #connection: DownstreamConnection;
  readonly #stream: ServerStream;
  readonly #head: RequestHead;
  readonly #record: RequestRecord;
  #decision: RouteDecision | null = null;
  #backend: CompiledBackend | null = null;
  #attempt: UpstreamTry | null = null;
  /** Hosts that were tried in vain: the next try avoids them. */
  #tried: Host<HostPool>[] | null = null;
  /** The request's body until an answer begins; null for none. */
  #replay: ReplayBuffer | null = null;
  #hasRequestEnded: boolean;
  /** An upgrade or CONNECT that is not accepted yet: what the client says is held back. */
  #isTunnelPending: boolean;
  /** One that is accepted: its sides end one by one. */
  #isTunnel: boolean = false;
  #hasAnswerEnded: boolean = false;
  #hasAnswerBegun: boolean = false;
  #isOver: boolean = false;
  /** Body bytes that one side sent and the other has not taken yet. */
  #requestBytesOwed: number = 0;
  #answerBytesOwed: number = 0;
  /** Null until the body has come for longer than most. */
  #pace: BodyPace | null = null;
  readonly #idleTimer: TimerEntry;
  #stepTimer: TimerEntry | null = null;
  #deadlineTimer: TimerEntry | null = null;
  #step: Step = "none";

  constructor(
    deps: RequestPathDeps,
    connection: DownstreamConnection,
    stream: ServerStream,
    head: RequestHead,
    isEnd: boolean,
  ) {
    this.#deps = deps;
    this.#connection = connection;
    this.#stream = stream;
    this.#head = connection.listener.config.keepsColour ? head : withoutColour(head);
    this.#hasRequestEnded = isEnd;
    this.#isTunnelPending = head.upgrade !== "" || head.method === "CONNECT";
    this.#record = new RequestRecord(deps, connection, this.#head);
    this.#idleTimer = new TimerEntry(this, TIMER_IDLE);
  }

  /** The request's head is here. */
  begin(): void {
    this.#stream.receiver = this;
    this.#deps.scheduler.openTasks++;
    const { streamIdleTimeoutMs } = this.#connection.listener.config;
    this.#deps.wheel.schedule(this.#idleTimer, streamIdleTimeoutMs, this.#record.startedMs);
    this.#route();
  }

  #route(): void {
    const routes = this.#connection.listener.routes;
    if (routes === null) return this.#answerError("PROXY_NOT_READY");
    if (this.#connection.isMisdirected(this.#head.authority)) return this.#answerError("PROXY_MISDIRECTED");
    const decision = routes.table.match(this.#head);
    if (decision !== undefined) {
      this.#decision = decision;
      this.#record.setRoute(decision.rule, routes.statsOf(decision.rule));
    }
    const own = judgeRequest(this.#connection, this.#head, routes.table, decision);
    if (own !== null) return typeof own === "string" ? this.#answerError(own) : this.#answer(own);
    if (decision === undefined) return;
    const timeoutMs = this.#record.limitTime(decision.rule.timeoutMs);
    if (timeoutMs > 0) {
      this.#deadlineTimer = new TimerEntry(this, TIMER_DEADLINE);
      this.#deps.wheel.schedule(this.#deadlineTimer, timeoutMs, this.#record.startedMs);
    }
    this.#applyFilters(decision);
  }

  #applyFilters(decision: RouteDecision): void {
    const { listener, peer } = this.#connection;
    const local = answerLocally(decision, peer.isTls, listener.config.port, this.#record.routeStats);
    if (local !== null) return this.#answer(local);
    const { fault, mirrors } = decision.rule.config;
    if (mirrors.length > 0) this.#record.startMirrors(decision, mirrors, this.#hasRequestEnded);
    if (fault !== null) {
      const draw = drawFault(fault, this.#deps.random);
      this.#record.countFault(draw);
      this.#record.abort = draw.aborts;
      if (draw.delayMs > 0) return this.#startStep("fault-delay", draw.delayMs);
      if (draw.aborts) return this.#answer(faultAnswer(decision));
    }
    this.#chooseBackend(decision);
  }

  #chooseBackend(decision: RouteDecision): void {
    const backend = decision.rule.pickBackend(this.#deps.random);
    if (backend === undefined) return this.#answerError("PROXY_NO_BACKEND");
    this.#backend = backend;
    const cluster = this.#deps.clusters.get(backend.cluster);
    if (cluster === undefined) return this.#answerError("PROXY_CLUSTER_UNKNOWN");
    this.#record.setCluster(cluster);
    const place = this.#record.acquireRequestPlace(cluster);
    if (place !== "acquired") return this.#answerError(place);
    this.#try(decision, backend);
  }

  /** One try at one host. */
  #try(decision: RouteDecision, backend: CompiledBackend): void {
    const { cluster } = this.#record;
    if (cluster === null) return;
    if (!isSpokenBy(cluster.config, this.#head)) return this.#answerError("PROXY_PROTOCOL_MISMATCH");
    const pick = this.#deps.pick;
    pick.hash = requestHash(decision.rule, this.#head, this.#connection.peer.address, this.#deps.random);
    pick.tried = this.#tried ?? NO_HOSTS;
    const host = this.#connection.hostOf(cluster) ?? cluster.cluster.pick(pick, decision.subsetOf(backend));
    if (host === undefined) {
      cluster.stats.noHost++;
      return this.#answerError(cluster.cluster.noHostCode(decision.subsetOf(backend)));
    }
    const head = this.#record.headOfTry(host.key, decision, backend);
    if (head === null) return this.#answerError("PROXY_LOOP");
    const isEmpty = this.#hasRequestEnded && (this.#replay === null || this.#replay.isEmpty);
    const isBodyless = isEmpty && !this.#isTunnelPending;
    const attempt = new UpstreamTry(this, cluster, host, this.#connection.poolOf(cluster, host), head, isBodyless);
    this.#attempt = attempt;
    this.#record.attempts++;
    const result = attempt.start(this.#deps.clock.nowMs());
    if (result !== "started") return this.#answerError(result);
    if (this.#attempt === attempt && attempt.stream === null && !this.#isOver) {
      this.#startStep("connection", cluster.config.pool.queueTimeoutMs);
    }
  }

  onTryOpen(attempt: UpstreamTry): void {
    if (attempt !== this.#attempt || attempt.stream === null) return;
    if (this.#step === "connection") {
      attempt.cluster.stats.queueUs.record((this.#deps.clock.nowMs() - attempt.startedMs) * 1000);
    }
    const replay = attempt.isBodyless || this.#isTunnelPending ? null : this.#replay;
    const isOpen = replay === null || replay.replay(attempt.stream, this.#hasRequestEnded);
    if (attempt !== this.#attempt || attempt.hasAnswered || this.#isOver) return;
    if (isOpen && !this.#isTunnelPending) this.#releaseRequestBytes();
    const perTryMs = this.#decision?.rule.retry?.perTryTimeoutMs ?? 0;
    if (perTryMs > 0) this.#startStep("try", perTryMs);
    else if (this.#hasRequestEnded || this.#isTunnelPending) this.#awaitAnswer(attempt);
    else this.#endStep();
  }

  /** The host has the whole request: from now on it is its turn. */
  #awaitAnswer(attempt: UpstreamTry): void {
    const timeoutMs = attempt.cluster.config.responseTimeoutMs;
    if (timeoutMs > 0 && !this.#isOver && !this.#isTunnel) this.#startStep("answer", timeoutMs);
    else this.#endStep();
  }

  onRequestData(bytes: Buffer, start: number, end: number, isEnd: boolean): void {
    const byteCount = end - start;
    // What only piles up brings the request no further.
    if (this.#requestBytesOwed === 0) this.#touch();
    this.#record.receivedBytes += byteCount;
    if (isEnd) this.#hasRequestEnded = true;
    else if (this.#isTooSlow(this.#deps.clock.nowMs())) return this.#abandonWithError("PROXY_BODY_TOO_SLOW");
    const { bodyBytesMax } = this.#connection.listener.config;
    if (bodyBytesMax > 0 && this.#record.receivedBytes > bodyBytesMax) {
      return this.#abandonWithError("PROXY_BODY_TOO_LARGE");
    }
    const stream = this.#isTunnelPending ? null : (this.#attempt?.stream ?? null);
    if (!this.#hasAnswerBegun) {
      this.#replay ??= new ReplayBuffer();
      this.#replay.append(bytes, start, end, stream !== null);
    }
    this.#record.mirrorData(bytes, start, end, isEnd);
    if (stream === null) return this.#oweRequestBytes(byteCount);
    const isOpen = stream.sendData(bytes, start, end, isEnd);
    if (isEnd) this.#requestSent();
    if (isOpen && this.#requestBytesOwed === 0) this.#stream.consume(byteCount);
    else this.#oweRequestBytes(byteCount);
  }

  /** Asked with every piece, of which most come before it is worth a look. */
  #isTooSlow(nowMs: number): boolean {
    const { config } = this.#connection.listener;
    const { startedMs, receivedBytes, cluster } = this.#record;
    if (nowMs - startedMs < config.streamIdleTimeoutMs) return false;
    if (mayPause(this.#head, this.#hasAnswerBegun, cluster?.config)) return false;
    this.#pace ??= new BodyPace(this.#connection.held, nowMs, receivedBytes);
    return this.#pace.isTooSlow(config, nowMs, receivedBytes);
  }

  #requestSent(): void {
    const attempt = this.#attempt;
    if (this.#hasAnswerEnded) return this.#finish("complete");
    if (attempt !== null && attempt.stream !== null && this.#step === "none") this.#awaitAnswer(attempt);
  }

  onRequestTrailers(received: Fields): void {
    this.#touch();
    this.#hasRequestEnded = true;
    const fields = this.#record.requestTrailers(received);
    if (!this.#hasAnswerBegun) {
      this.#replay ??= new ReplayBuffer();
      this.#replay.setTrailers(fields);
    }
    this.#record.mirrorTrailers(fields);
    if (this.#isTunnelPending) return;
    this.#attempt?.stream?.sendTrailers(fields);
    this.#requestSent();
  }

  onRequestReset(reason: ResetReason): void {
    this.#record.error = reason;
    this.#connection.listener.stats.resets[reason]++;
    this.#finish("cancelled");
  }

  onRequestRefused(refusal: Refusal): Answer | null {
    const answer = refusalAnswer(refusal);
    this.#record.setRefusal(refusal, answer);
    this.#finish("cancelled");
    if (answer === null) return null;
    return { head: this.#record.finalHead(withCors(this.#decision, answer.head)), body: answer.body };
  }

  onTryInformational(head: ResponseHead): void {
    this.#touch();
    if (!this.#hasAnswerBegun) this.#stream.sendInformational(head);
  }

  holdsAnswer(head: ResponseHead): AnswerHolds | null {
    const retry = this.#decision?.rule.retry ?? null;
    if (retry === null || !this.#hasRequestEnded || this.#replay?.isComplete === false) return null;
    return isWorthHolding(retry, head, this.#head) && this.#record.mayRetryAgain(retry) ? this.#deps.holds : null;
  }

  onTryHead(attempt: UpstreamTry, head: ResponseHead, isEnd: boolean): void {
    if (attempt !== this.#attempt) return;
    this.#touch();
    if (judgeStatus(this.#decision?.rule.retry ?? null, head, isEnd, this.#head) && this.#tryAgain("policy")) return;
    this.#hasAnswerBegun = true;
    const change = this.#backend?.responseChange ?? null;
    const changed = change === null ? head : withResponseChanges(head, change);
    const answer = this.#record.finalHead(withCors(this.#decision, changed));
    this.#record.beginAnswer(answer.status, isEnd ? head : null);
    const isTunnel = answer.status === 101 || (this.#head.method === "CONNECT" && answer.status < 300);
    if (this.#isTunnelPending && isTunnel && !isEnd) this.#becomeTunnel(attempt);
    else if (this.#step !== "try" && !isEnd) this.#awaitAnswer(attempt);
    this.#isTunnelPending = false;
    this.#replay = null;
    this.#stream.sendHead(answer, isEnd);
    if (isEnd) this.#finish("complete");
  }

  onTryData(bytes: Buffer, start: number, end: number, isEnd: boolean): void {
    this.#touch();
    if (this.#step === "answer" && this.#attempt !== null) {
      this.#stepTimer?.extend(this.#deps.clock.nowMs() + this.#attempt.cluster.config.responseTimeoutMs);
    }
    const byteCount = end - start;
    this.#record.sentBytes += byteCount;
    const isOpen = this.#stream.sendData(bytes, start, end, isEnd);
    if (isEnd) return this.#endAnswer();
    if (isOpen && this.#answerBytesOwed === 0) this.#attempt?.stream?.consume(byteCount);
    else this.#answerBytesOwed += byteCount;
  }

  onTryTrailers(fields: Fields): void {
    this.#stream.sendTrailers(this.#record.answerTrailers(fields));
    this.#endAnswer();
  }

  /** The host's side is complete; the client's side of a tunnel may go on. */
  #endAnswer(): void {
    if (this.#isTunnel && !this.#hasRequestEnded) this.#hasAnswerEnded = true;
    else this.#finish("complete");
  }

  onTryFailed(attempt: UpstreamTry, reason: ResetReason, detail: string): void {
    if (attempt !== this.#attempt || this.#isOver) return;
    if (!this.#hasAnswerEnded) this.#record.setFailure(reason, detail);
    if (attempt.isCutOff) return this.#abandonWithError("UPSTREAM_DRAIN_DEADLINE");
    if (this.#hasAnswerBegun) {
      this.#stream.reset(reason === "protocol" ? "protocol" : "connection");
      this.#finish(this.#hasAnswerEnded ? "complete" : "broken");
      return;
    }
    const verdict = judgeFailure(this.#decision?.rule.retry ?? null, reason, this.#head, attempt);
    if (verdict !== "no" && this.#tryAgain(verdict)) return;
    if (attempt.isHostSilent) return this.#answerError("UPSTREAM_SILENT");
    this.#answerError(attempt.isUpgradeRefused ? "UPSTREAM_NO_UPGRADE" : errorOf(reason));
  }

  onTryWritable(): void {
    this.#touch();
    this.#releaseRequestBytes();
  }

  onResponseWritable(): void {
    this.#touch();
    const owed = this.#answerBytesOwed;
    if (owed === 0) return;
    this.#answerBytesOwed = 0;
    this.#attempt?.stream?.consume(owed);
  }

  onTimer(entry: TimerEntry): void {
    if (this.#isOver) return;
    if (entry.kind === TIMER_DEADLINE) return this.#abandonWithError("PROXY_TIMEOUT");
    if (entry.kind === TIMER_IDLE) return this.#streamIdle();
    const step = this.#step;
    const decision = this.#decision;
    // A client that does not take the answer is not the host's fault.
    if (step === "answer" && this.#answerBytesOwed > 0 && this.#attempt !== null)
      return this.#awaitAnswer(this.#attempt);
    this.#step = "none";
    if (decision === null) return;
    if (step === "fault-delay") {
      if (this.#record.abort) this.#answer(faultAnswer(decision));
      else this.#chooseBackend(decision);
    } else if (step === "backoff" && this.#backend !== null) {
      this.#try(decision, this.#backend);
    } else {
      this.#giveUpTry(step === "connection" ? "overloaded" : "timeout");
    }
  }

  /** The try takes too long: another one, or the end. */
  #giveUpTry(reason: "overloaded" | "timeout"): void {
    const attempt = this.#attempt;
    if (attempt === null) return;
    if (reason === "overloaded") attempt.cluster.stats.queueTimeouts++;
    attempt.abandon("timeout", reason === "timeout" ? "failure" : "cancelled");
    this.onTryFailed(attempt, reason, reason === "timeout" ? "no answer in time" : "no connection in time");
  }

  /** Begins another try where policy, budget and what was kept of the body allow it. */
  #tryAgain(verdict: Exclude<RetryVerdict, "no">): boolean {
    const attempt = this.#attempt;
    const decision = this.#decision;
    const backend = this.#backend;
    if (attempt === null || decision === null || backend === null) return false;
    if (this.#replay?.isComplete === false || !this.#record.beginRetry(verdict, decision)) return false;
    attempt.abandon("cancelled", "failure");
    this.#tried ??= [];
    this.#tried.push(attempt.host);
    this.#attempt = null;
    const delayMs = verdict === "unprocessed" ? 0 : this.#record.nextBackoffMs(decision);
    if (delayMs > 0) this.#startStep("backoff", delayMs);
    else this.#try(decision, backend);
    return true;
  }

  /** An accepted upgrade has no deadline but the idle one; what the client said before goes out now. */
  #becomeTunnel(attempt: UpstreamTry): void {
    this.#isTunnel = true;
    this.#connection.isTunnel = this.#connection.peer.protocol === "http1";
    this.#connection.listener.stats.upgrades++;
    if (this.#deadlineTimer !== null) this.#deps.wheel.cancel(this.#deadlineTimer);
    this.#endStep();
    if (this.#replay === null || attempt.stream === null) return;
    if (this.#replay.replay(attempt.stream, this.#hasRequestEnded)) this.#releaseRequestBytes();
  }

  #streamIdle(): void {
    // Whether the client takes enough of what waits for it, its connection knows: it ends what does not move.
    if (this.#answerBytesOwed > 0) {
      return this.#deps.wheel.schedule(this.#idleTimer, this.#connection.listener.config.streamIdleTimeoutMs);
    }
    const isBodyDue = !this.#hasRequestEnded && !this.#isTunnelPending && !this.#isTunnel;
    const isClientsTurn = isBodyDue && this.#requestBytesOwed === 0;
    this.#abandonWithError(isClientsTurn ? "PROXY_BODY_TIMEOUT" : "PROXY_STREAM_IDLE");
  }

  #abandonWithError(code: AnswerCode): void {
    // What the client does or leaves undone is not held against the host.
    if (isClientFault(code) || this.#answerBytesOwed > 0) this.#attempt?.abandon("cancelled", "cancelled");
    if (this.#hasAnswerBegun) {
      this.#noteError(code);
      // Nothing is cut short by the end of a tunnel, so it may be an orderly one.
      if (this.#isTunnel) this.#stream.sendData(EMPTY, 0, 0, true);
      this.#stream.reset(code === "PROXY_BODY_TOO_LARGE" ? "too-large" : "timeout");
      this.#finish("broken");
      return;
    }
    this.#answerError(code);
  }

  #answerError(code: AnswerCode): void {
    this.#noteError(code);
    const { head, body } = errorAnswer(code, isGrpcRequest(this.#head));
    this.#answer({ head: withCors(this.#decision, head), body });
  }

  #noteError(code: AnswerCode): void {
    this.#record.error = code;
    if (isClientFault(code)) this.#connection.listener.countProtocolError(code);
  }

  /** An answer of our own: the one exit for everything that no host answers. */
  #answer({ head, body }: Answer): void {
    const hasBody = body.length > 0 && this.#head.method !== "HEAD";
    this.#hasAnswerBegun = true;
    this.#record.setOwnAnswer(head, hasBody ? body.length : 0);
    this.#stream.sendHead(this.#record.finalHead(head), !hasBody);
    if (hasBody) this.#stream.sendData(body, 0, body.length, true);
    this.#finish("complete");
  }

  /** The end, however it came: everything that the request held is given back, once. */
  #finish(how: "complete" | "broken" | "cancelled"): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { wheel, scheduler } = this.#deps;
    scheduler.openTasks--;
    wheel.cancel(this.#idleTimer);
    if (this.#stepTimer !== null) wheel.cancel(this.#stepTimer);
    if (this.#deadlineTimer !== null) wheel.cancel(this.#deadlineTimer);
    this.#stream.receiver = null;
    this.#releaseRequestBytes();
    // A try that still runs answers nobody, and a request that is not complete will not be.
    this.#attempt?.abandon("cancelled", how === "cancelled" ? "cancelled" : "failure");
    if (!this.#hasRequestEnded) this.#attempt?.cutRequest();
    this.#record.releasePlaces();
    this.#record.end(this.#hasRequestEnded);
  }

  #oweRequestBytes(byteCount: number): void {
    if (this.#requestBytesOwed === 0 && byteCount > 0) this.#connection.held.begin(this.#deps.clock.nowMs());
    this.#requestBytesOwed += byteCount;
  }

  #releaseRequestBytes(): void {
    const owed = this.#requestBytesOwed;
    if (owed === 0) return;
    this.#requestBytesOwed = 0;
    this.#connection.held.end(this.#deps.clock.nowMs());
    this.#stream.consume(owed);
  }

  #touch(): void {
    this.#idleTimer.extend(this.#deps.clock.nowMs() + this.#connection.listener.config.streamIdleTimeoutMs);
  }

  #startStep(step: Step, delayMs: number): void {
    this.#step = step;
    this.#stepTimer ??= new TimerEntry(this, TIMER_STEP);
    this.#deps.wheel.schedule(this.#stepTimer, delayMs, this.#deps.clock.nowMs());
  }

  #endStep(): void {
    if (this.#step === "none") return;
    this.#step = "none";
    if (this.#stepTimer !== null) this.#deps.wheel.cancel(this.#stepTimer);
  }
}
