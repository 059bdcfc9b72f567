import type { BalancedHost, HostConfig } from "@weft/contract";
import { assert, type Clock, Histogram, PeakEwma } from "@weft/kernel";
import {
  FAILURE_LATENCY_MS_MAX,
  FAILURE_LATENCY_MS_MIN,
  LATENCY_DECAY_MS,
  SLOW_START_SHARE_MIN,
  WEIGHT_SCALE,
} from "./limits.ts";

/**
 * How a try at a host ended. `failure`: an answer of 5xx, a reset, a timeout. `connect-failure`: no connection.
 * `cancelled`: our side gave up (the client went away, another try won); it says nothing about the host's health.
 */
export type RequestOutcome = "success" | "failure" | "connect-failure" | "cancelled";

/** What active checks say; `unknown` until the first result, and then the host is used. */
export type HealthVerdict = "unknown" | "healthy" | "unhealthy";

/** By which rule outlier detection ejected a host. */
export type EjectionCause = "consecutive-errors" | "success-rate" | "latency" | "silence";

/** Who watches the outcomes of a host's requests: outlier detection. */
export interface OutcomeObserver {
  onOutcome(isError: boolean, latencyMs: number): void;
  /** The host gives no sign of life on any connection. */
  onSilence(reason: string): void;
}

/** "address:port"; an IPv6 address in brackets. */
export function hostKey(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/**
 * One address of a cluster in one worker: what it is, whether it may be used, and how its requests went. It outlives
 * configurations: while its key stays in the cluster, so do its statistics, its health and its pool.
 *
 * `Pool` is what the pool station keeps here.
 */
export class Host<Pool = unknown> implements BalancedHost {
  readonly key: string;
  readonly address: string;
  readonly port: number;
  /** The pool station's own: the connections to this host. Undefined until the first request. */
  pool: Pool | undefined = undefined;
  /** Set by outlier detection while it watches this host. */
  observer: OutcomeObserver | undefined = undefined;
  readonly #clock: Clock;
  #config: HostConfig;
  #weight: number;
  #activeRequests: number = 0;
  #latency: PeakEwma;
  #latencyDecayMs: number;
  #histogram: Histogram | undefined = undefined;
  #successes: number = 0;
  #failures: number = 0;
  #connectFailures: number = 0;
  #cancels: number = 0;
  #verdict: HealthVerdict = "unknown";
  #verdictReason: string = "";
  #isEjected: boolean = false;
  #ejectedUntilMs: number = 0;
  #ejections: number = 0;
  #ejectionCause: EjectionCause | "" = "";
  #ejectionReason: string = "";
  #isDraining: boolean = false;
  /** Start of the slow start on the clock's scale; -Infinity when the host is warm. */
  #warmingSinceMs: number = Number.NEGATIVE_INFINITY;

  constructor(config: HostConfig, clock: Clock, latencyDecayMs: number = LATENCY_DECAY_MS) {
    this.key = hostKey(config.address, config.port);
    this.address = config.address;
    this.port = config.port;
    this.#clock = clock;
    this.#config = config;
    this.#weight = config.weight * WEIGHT_SCALE;
    this.#latencyDecayMs = latencyDecayMs;
    this.#latency = new PeakEwma(latencyDecayMs);
  }

  get config(): HostConfig {
    return this.#config;
  }

  /** As subsets see it. */
  get labels(): HostConfig["labels"] {
    return this.#config.labels;
  }

  /** As sharding sees it: without slow start. */
  get configuredWeight(): number {
    return this.#config.weight;
  }

  get zone(): string {
    return this.#config.zone;
  }

  get priority(): number {
    return this.#config.priority;
  }

  /** Effective: the configured weight times `WEIGHT_SCALE` times the share of slow start. */
  get weight(): number {
    return this.#weight;
  }

  /** Tries in flight at this host from this worker. */
  get activeRequests(): number {
    return this.#activeRequests;
  }

  get verdict(): HealthVerdict {
    return this.#verdict;
  }

  /** Why the verdict is what it is; "" while unknown. */
  get verdictReason(): string {
    return this.#verdictReason;
  }

  get isEjected(): boolean {
    return this.#isEjected;
  }

  /** End of the present ejection on the clock's scale; 0 when not ejected. */
  get ejectedUntilMs(): number {
    return this.#ejectedUntilMs;
  }

  /** Ejections since this host was added. */
  get ejections(): number {
    return this.#ejections;
  }

  /** The rule by which the host was last ejected; "" when it never was. */
  get ejectionCause(): EjectionCause | "" {
    return this.#ejectionCause;
  }

  /** Why the host was last ejected, in words; "" when it never was. */
  get ejectionReason(): string {
    return this.#ejectionReason;
  }

  /** On its way out: takes no new request, whatever the panic. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** True while the host is to be chosen: not draining, not ejected, and no check speaks against it. */
  get isUsable(): boolean {
    return this.#verdict !== "unhealthy" && !this.#isEjected && !this.#isDraining;
  }

  get successes(): number {
    return this.#successes;
  }

  /** Failures other than of connecting. */
  get failures(): number {
    return this.#failures;
  }

  get connectFailures(): number {
    return this.#connectFailures;
  }

  get cancels(): number {
    return this.#cancels;
  }

  /** Answer times in microseconds, of all tries that got an answer; undefined before the first. */
  get histogram(): Histogram | undefined {
    return this.#histogram;
  }

  latencyMs(nowMs: number): number {
    return this.#latency.value(nowMs);
  }

  /** A try begins. Every start is followed by exactly one `onRequestEnd`. */
  onRequestStart(): void {
    this.#activeRequests++;
  }

  /**
   * A try is over. `latencyMs` runs from its start to the head of the answer, or, where none came, to its end.
   */
  onRequestEnd(outcome: RequestOutcome, latencyMs: number): void {
    assert(this.#activeRequests > 0, "a try that began ends once");
    this.#activeRequests--;
    const nowMs = this.#clock.nowMs();
    switch (outcome) {
      case "success":
        this.#successes++;
        this.#recordAnswer(latencyMs);
        this.#latency.observe(latencyMs, nowMs);
        this.observer?.onOutcome(false, latencyMs);
        return;
      case "failure":
        this.#failures++;
        this.#recordAnswer(latencyMs);
        this.#observeFailure(latencyMs, nowMs);
        return;
      case "connect-failure":
        this.#connectFailures++;
        this.#observeFailure(latencyMs, nowMs);
        return;
      case "cancelled":
        this.#cancels++;
        // It would have taken at least so long: only bad news is news.
        if (latencyMs > this.#latency.value(nowMs)) this.#latency.observe(latencyMs, nowMs);
    }
  }

  /** The host gives no sign of life on any connection of this worker. */
  onSilence(reason: string): void {
    this.observer?.onSilence(reason);
  }

  /** Takes over a changed configuration of the same address; the cluster recomputes weights afterwards. */
  reconfigure(config: HostConfig, latencyDecayMs: number): void {
    assert(hostKey(config.address, config.port) === this.key, "a host keeps its address");
    this.#config = config;
    if (latencyDecayMs === this.#latencyDecayMs) return;
    this.#latencyDecayMs = latencyDecayMs;
    this.#latency = new PeakEwma(latencyDecayMs);
  }

  /** The word of the active checks; true when it changed. */
  setVerdict(verdict: HealthVerdict, reason: string): boolean {
    const isChanged = verdict !== this.#verdict;
    this.#verdict = verdict;
    this.#verdictReason = reason;
    return isChanged;
  }

  /** Takes the host out until `untilMs` (the clock's scale) or `endEjection`, whichever the detector does first. */
  eject(untilMs: number, cause: EjectionCause, reason: string): void {
    assert(!this.#isEjected, "a host is ejected once at a time");
    this.#isEjected = true;
    this.#ejectedUntilMs = untilMs;
    this.#ejectionCause = cause;
    this.#ejectionReason = reason;
    this.#ejections++;
  }

  endEjection(): void {
    this.#isEjected = false;
    this.#ejectedUntilMs = 0;
  }

  /** True when it changed. */
  setDraining(isDraining: boolean): boolean {
    const isChanged = isDraining !== this.#isDraining;
    this.#isDraining = isDraining;
    return isChanged;
  }

  /** The host is new or back: its weight grows from `SLOW_START_SHARE_MIN` to all over the cluster's slow start. */
  startWarming(nowMs: number): void {
    this.#warmingSinceMs = nowMs;
  }

  /** True while slow start lowers the weight. */
  isWarming(nowMs: number, slowStartMs: number): boolean {
    return nowMs - this.#warmingSinceMs < slowStartMs;
  }

  /** Recomputes the effective weight; true when it changed. */
  refreshWeight(nowMs: number, slowStartMs: number): boolean {
    const elapsed = slowStartMs > 0 ? (nowMs - this.#warmingSinceMs) / slowStartMs : 1;
    const share = elapsed >= 1 ? 1 : Math.max(SLOW_START_SHARE_MIN, elapsed);
    const weight = Math.max(1, Math.round(this.#config.weight * WEIGHT_SCALE * share));
    const isChanged = weight !== this.#weight;
    this.#weight = weight;
    return isChanged;
  }

  /** Failures in a row double the estimate, so that a host that fails fast does not win by it. */
  #observeFailure(latencyMs: number, nowMs: number): void {
    const doubled = Math.max(FAILURE_LATENCY_MS_MIN, 2 * this.#latency.value(nowMs));
    this.#latency.observe(Math.max(latencyMs, Math.min(doubled, FAILURE_LATENCY_MS_MAX)), nowMs);
    this.observer?.onOutcome(true, latencyMs);
  }

  #recordAnswer(latencyMs: number): void {
    this.#histogram ??= new Histogram();
    this.#histogram.record(latencyMs * 1000);
  }
}
