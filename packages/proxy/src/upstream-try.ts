import {
  type ClientStream,
  type Fields,
  NO_FIELDS,
  type RequestHead,
  type ResetReason,
  type ResponseHead,
  type ResponseReceiver,
} from "@weft/contract";
import type { ClusterRuntime } from "./cluster-runtime.ts";
import type { Host, RequestOutcome } from "./cluster/index.ts";
import { grpcStatusOf, isGrpcFailure } from "./grpc-status.ts";
import type { AnswerHolds, HeldAnswer, HeldAnswerOwner } from "./held-answer.ts";
import type { HostPool, PoolRefusal, PoolWaiter } from "./pool/index.ts";
import type { GreetingWaiter, UpstreamConnection } from "./upstream/index.ts";

/** Whoever makes tries: the exchange, or the copy that a mirror gets. After an end nothing more is called. */
export interface TryOwner {
  /** The stream is open and the head is on its way: the body may follow. */
  onTryOpen(attempt: UpstreamTry): void;
  onTryInformational(head: ResponseHead): void;
  /** The head of an answer has come, and more is to follow: where it is to be held meanwhile; null passes it on. */
  holdsAnswer(head: ResponseHead): AnswerHolds | null;
  onTryHead(attempt: UpstreamTry, head: ResponseHead, isEnd: boolean): void;
  onTryData(bytes: Buffer, start: number, end: number, isEnd: boolean): void;
  onTryTrailers(fields: Fields): void;
  /** The try came to nothing, or its answer broke off. */
  onTryFailed(attempt: UpstreamTry, reason: ResetReason, detail: string): void;
  onTryWritable(): void;
}

/** How far a try has come. */
type TryState = "waiting" | "open" | "answering" | "over";

/**
 * One try of one request at one host: it waits for a connection, opens a stream and tells its owner what comes back.
 * It keeps the books of the host: every try that was begun is ended once, with its outcome and the time to its answer.
 */
export class UpstreamTry implements PoolWaiter, GreetingWaiter, ResponseReceiver, HeldAnswerOwner {
  readonly cluster: ClusterRuntime;
  readonly host: Host<HostPool>;
  readonly #owner: TryOwner;
  readonly #pool: HostPool;
  readonly #head: RequestHead;
  /** True when the head went out as the whole request. */
  readonly isBodyless: boolean;
  #startedMs: number = 0;
  /** From the start to the head of the answer. */
  #latencyMs: number = 0;
  #state: TryState = "waiting";
  #status: number = 0;
  #connection: UpstreamConnection | null = null;
  /** What the connection had sent before this try; what it sent since then may be of this try. */
  #sentBytesBefore: number = 0;
  #stream: ClientStream | null = null;
  /** The answer while it is held, and until it is known whether it is a stream. */
  #held: HeldAnswer | null = null;
  /** The owner wants to hear nothing more. */
  #isAbandoned: boolean = false;
  #isUpgradeRefused: boolean = false;

  /** `pool` is where the connection comes from. */
  constructor(
    owner: TryOwner,
    cluster: ClusterRuntime,
    host: Host<HostPool>,
    pool: HostPool,
    head: RequestHead,
    isBodyless: boolean,
  ) {
    this.#owner = owner;
    this.cluster = cluster;
    this.host = host;
    this.#pool = pool;
    this.#head = head;
    this.isBodyless = isBodyless;
  }

  /** Null while no stream is open. */
  get stream(): ClientStream | null {
    return this.#stream;
  }

  /** True once the host began to answer. */
  get hasAnswered(): boolean {
    return this.#status > 0;
  }

  /** True when the connection had carried a request before: its loss may be the race with the host's idle close. */
  get isOnReusedConnection(): boolean {
    return this.#connection?.isReused ?? false;
  }

  /** True when the connection was closed because its host was retired long ago. */
  get isCutOff(): boolean {
    return this.#connection?.isCutOff ?? false;
  }

  /** True when the host gave no sign of life any more. */
  get isHostSilent(): boolean {
    return this.#connection?.isHostSilent ?? false;
  }

  /** True when the host's protocol has no place for the request's upgrade. */
  get isUpgradeRefused(): boolean {
    return this.#isUpgradeRefused;
  }

  /** When the try began, on the clock's scale. */
  get startedMs(): number {
    return this.#startedMs;
  }

  /** Begins; a refusal means that it did not. */
  start(nowMs: number): PoolRefusal | "started" {
    this.#startedMs = nowMs;
    this.host.onRequestStart();
    const connection = this.#pool.acquire(this);
    if (typeof connection === "string") {
      if (connection === "waiting") return "started";
      this.#close("cancelled");
      return connection;
    }
    this.onPooled(connection);
    return "started";
  }

  /** The owner gives the try up. `outcome` is what the host is held to. */
  abandon(reason: ResetReason, outcome: RequestOutcome): void {
    this.#isAbandoned = true;
    this.#endHeld();
    if (this.#state === "over") return;
    if (this.#state === "waiting") {
      this.#pool.cancel(this);
      this.#connection?.cancelGreeting(this);
    }
    const stream = this.#stream;
    this.#stream = null;
    this.#close(outcome);
    if (stream === null) return;
    stream.receiver = null;
    stream.reset(reason);
  }

  /** The answer is complete and the request is not, and will not be: its stream is closed in that direction too. */
  cutRequest(): void {
    const stream = this.#stream;
    this.#stream = null;
    if (stream === null) return;
    stream.receiver = null;
    stream.reset("cancelled");
  }

  onPooled(connection: UpstreamConnection): void {
    const session = connection.session;
    if (session === null) {
      this.onPoolFailed("connect", "the connection is not up");
      return;
    }
    this.#connection = connection;
    // Whether an HTTP/2 host takes upgrades is in its SETTINGS.
    if (this.#head.upgrade !== "") {
      if (!connection.isGreeted) return connection.awaitGreeting(this);
      if (!session.acceptsUpgrades) return this.#refuseUpgrade(connection);
    }
    this.#state = "open";
    this.#sentBytesBefore = connection.sentBytes;
    const stream = session.open(this.#head, this.isBodyless, this);
    connection.countRequest();
    // The session may have ended the stream from inside open(), without using the connection.
    if (this.#state !== "open") return connection.giveBack();
    this.#stream = stream;
    this.#owner.onTryOpen(this);
  }

  /** Nothing was sent: another host of the cluster may take it. */
  #refuseUpgrade(connection: UpstreamConnection): void {
    this.#isUpgradeRefused = true;
    this.#close("cancelled");
    connection.giveBack();
    this.#owner.onTryFailed(this, "refused", "the host accepts no upgrades over HTTP/2");
  }

  onGreeted(connection: UpstreamConnection): void {
    this.onPooled(connection);
  }

  onGreetingFailed(detail: string): void {
    this.onPoolFailed("connect", detail);
  }

  onPoolFailed(reason: ResetReason, detail: string): void {
    this.#close(reason === "connect" ? "connect-failure" : "cancelled");
    this.#owner.onTryFailed(this, reason, detail);
  }

  onInformational(head: ResponseHead): void {
    this.#owner.onTryInformational(head);
  }

  onResponseHead(head: ResponseHead, isEnd: boolean): void {
    this.#status = head.status;
    this.#state = "answering";
    // A host is judged by how fast it begins to answer; how long the body takes is the application's affair.
    this.#latencyMs = this.cluster.clock.nowMs() - this.#startedMs;
    if (isEnd) this.#complete(head.fields);
    const holds = isEnd ? null : this.#owner.holdsAnswer(head);
    this.#held = holds?.hold(this, head, this.#head.path, this.#startedMs + this.#latencyMs) ?? null;
    if (this.#held === null) this.#owner.onTryHead(this, head, isEnd);
  }

  onResponseData(bytes: Buffer, start: number, end: number, isEnd: boolean): void {
    if (isEnd) this.#complete(NO_FIELDS);
    const held = this.#held;
    if (held !== null) {
      if (!isEnd && held.keep(bytes, start, end)) return;
      this.#passHeld(held);
      if (isEnd || held.isStream) this.#endHeld();
      if (this.#isAbandoned) return;
    }
    this.#owner.onTryData(bytes, start, end, isEnd);
  }

  onResponseTrailers(fields: Fields): void {
    this.#complete(fields);
    if (this.#held !== null) this.#passHeld(this.#held);
    this.#endHeld();
    if (!this.#isAbandoned) this.#owner.onTryTrailers(fields);
  }

  onHoldOver(): void {
    if (this.#held !== null) this.#passHeld(this.#held);
  }

  /** The owner gets what was held, unless it has got it before. */
  #passHeld(held: HeldAnswer): void {
    if (!held.isHolding) return;
    held.release();
    this.#owner.onTryHead(this, held.head, false);
    if (held.heldBytes > 0 && !this.#isAbandoned) this.#owner.onTryData(held.bytes, 0, held.heldBytes, false);
  }

  #endHeld(): void {
    const held = this.#held;
    this.#held = null;
    held?.end();
  }

  onResponseReset(cause: ResetReason, detail: string): void {
    // A connection that was dead already when the request was to go out: the host has not seen a byte of it.
    const isUnsent = cause === "connection" && this.#connection?.sentBytes === this.#sentBytesBefore;
    const reason = isUnsent ? "refused" : cause;
    const outcome = reason === "refused" || this.isCutOff ? "cancelled" : "failure";
    this.#stream = null;
    this.#endHeld();
    this.#close(outcome);
    this.#owner.onTryFailed(this, reason, detail);
  }

  onRequestWritable(): void {
    this.#owner.onTryWritable();
  }

  /** `last` are the fields in which a gRPC host says how it went. */
  #complete(last: Fields): void {
    this.#close(this.#status >= 500 || isGrpcFailure(grpcStatusOf(last)) ? "failure" : "success");
  }

  #close(outcome: RequestOutcome): void {
    if (this.#state === "over") return;
    this.#state = "over";
    const latencyMs = this.#status > 0 ? this.#latencyMs : this.cluster.clock.nowMs() - this.#startedMs;
    this.host.onRequestEnd(outcome, latencyMs);
    if (outcome === "failure") this.#connection?.noteFailure();
  }
}
