import type { OutlierConfig } from "@weft/contract";
import { type Clock, Histogram, TimerEntry, type TimerOwner, type TimerWheel } from "@weft/kernel";
import type { EjectionCause, Host, OutcomeObserver } from "./host.ts";
import { LATENCY_GAP_MS_MIN, LATENCY_HOSTS_MIN, SUCCESS_RATE_HOSTS_MIN } from "./limits.ts";

/** The cluster, as its detector sees it. */
export interface OutlierOwner<Pool> {
  readonly hosts: ReadonlyMap<string, Host<Pool>>;
  /** Hosts of which a share may be ejected: those that requests go to. */
  readonly usedHostCount: number;
  /** Names the hosts that a host is compared with: one that is meant to be different is no outlier. */
  peerGroupOf(host: Host<Pool>): string;
  onHostEjected(host: Host<Pool>, reason: string): void;
  onHostReturned(host: Host<Pool>, reason: string): void;
}

/** A figure of one host, to be compared with those of others. */
interface Judged<Pool> {
  readonly watch: Watch<Pool>;
  readonly value: number;
}

/** One host under watch: the outcomes of the present interval, and its ejection. */
class Watch<Pool> implements OutcomeObserver, TimerOwner {
  readonly host: Host<Pool>;
  readonly #detector: OutlierDetector<Pool>;
  /** End of an ejection. */
  readonly timer: TimerEntry;
  successes: number = 0;
  errors: number = 0;
  consecutiveErrors: number = 0;
  /** How many times the base an ejection takes; falls by one with every whole interval in service. */
  ejectionFactor: number = 0;
  /** True while the host has been in service since the interval began. */
  isInServiceThroughout: boolean = true;
  /** Latencies of the interval's successes, in microseconds; only where latency is judged. */
  latencies: Histogram | undefined = undefined;

  constructor(host: Host<Pool>, detector: OutlierDetector<Pool>) {
    this.host = host;
    this.#detector = detector;
    this.timer = new TimerEntry(this);
  }

  onOutcome(isError: boolean, latencyMs: number): void {
    if (isError) {
      this.errors++;
      this.consecutiveErrors++;
      this.#detector.onError(this);
    } else {
      this.successes++;
      this.consecutiveErrors = 0;
      this.latencies?.record(latencyMs * 1000);
    }
  }

  onSilence(reason: string): void {
    this.#detector.onSilence(this, reason);
  }

  onTimer(_entry: TimerEntry): void {
    this.#detector.endEjection(this, "the ejection is over");
  }

  startInterval(isLatencyJudged: boolean): void {
    this.successes = 0;
    this.errors = 0;
    if (isLatencyJudged) {
      this.latencies ??= new Histogram();
      this.latencies.reset();
    } else {
      this.latencies = undefined;
    }
  }
}

/**
 * Passive health: ejects hosts whose requests go worse than their neighbours', for a time that grows with every
 * ejection, and lets them return. After Envoy's outlier detection; latency is judged in addition. Judged are errors in
 * a row, at once, and success rate and median latency, at the end of every interval.
 *
 * Ejections are bounded: at most `maxEjectedShare` of the hosts, but one if the share is above 0, and never the last
 * usable host. A host that falls silent altogether (heartbeats tell) is ejected at once, within the same bounds.
 */
export class OutlierDetector<Pool> implements TimerOwner {
  readonly #clock: Clock;
  readonly #wheel: TimerWheel;
  readonly #owner: OutlierOwner<Pool>;
  readonly #interval: TimerEntry;
  readonly #watches: Map<string, Watch<Pool>> = new Map();
  #config: OutlierConfig;
  #ejected: number = 0;

  constructor(config: OutlierConfig, clock: Clock, wheel: TimerWheel, owner: OutlierOwner<Pool>) {
    this.#config = config;
    this.#clock = clock;
    this.#wheel = wheel;
    this.#owner = owner;
    this.#interval = new TimerEntry(this);
    this.#startInterval();
  }

  /** New rules from now on; present ejections last as long as they were meant to. */
  configure(config: OutlierConfig): void {
    this.#config = config;
    this.#startInterval();
  }

  watch(host: Host<Pool>): void {
    const watch = new Watch(host, this);
    watch.startInterval(this.#config.latencyFactor > 0);
    this.#watches.set(host.key, watch);
    host.observer = watch;
  }

  /** The host has left the cluster. */
  unwatch(host: Host<Pool>): void {
    const watch = this.#watches.get(host.key);
    if (watch === undefined) return;
    this.#watches.delete(host.key);
    host.observer = undefined;
    this.#wheel.cancel(watch.timer);
    if (host.isEjected) this.#ejected--;
  }

  /** Detection ends: ejected hosts return at once. */
  close(): void {
    this.#wheel.cancel(this.#interval);
    for (const watch of this.#watches.values()) {
      if (watch.host.isEjected) this.endEjection(watch, "outlier detection was turned off");
      this.unwatch(watch.host);
    }
  }

  /** @internal Called by a watch: errors in a row are judged at once. */
  onError(watch: Watch<Pool>): void {
    const limit = this.#config.consecutiveErrors;
    if (limit === 0 || watch.consecutiveErrors < limit || watch.host.isEjected) return;
    // Counted anew also when refused, so that a cluster that fails as a whole is not searched at every error.
    watch.consecutiveErrors = 0;
    this.#tryEject(watch, "consecutive-errors", `${limit} errors in a row`);
  }

  /** @internal Called by a watch: a host that gives no sign of life takes connections all the same when it is frozen. */
  onSilence(watch: Watch<Pool>, reason: string): void {
    if (!watch.host.isEjected) this.#tryEject(watch, "silence", reason);
  }

  /** @internal Called by a watch whose time is over. */
  endEjection(watch: Watch<Pool>, reason: string): void {
    this.#wheel.cancel(watch.timer);
    this.#ejected--;
    watch.consecutiveErrors = 0;
    watch.startInterval(this.#config.latencyFactor > 0);
    watch.host.endEjection();
    this.#owner.onHostReturned(watch.host, reason);
  }

  /** @internal The end of an interval. */
  onTimer(_entry: TimerEntry): void {
    this.#judgeSuccessRates();
    this.#judgeLatencies();
    for (const watch of this.#watches.values()) {
      if (watch.isInServiceThroughout && watch.ejectionFactor > 0) watch.ejectionFactor--;
      watch.isInServiceThroughout = !watch.host.isEjected;
    }
    this.#startInterval();
  }

  #startInterval(): void {
    for (const watch of this.#watches.values()) watch.startInterval(this.#config.latencyFactor > 0);
    this.#wheel.schedule(this.#interval, this.#config.intervalMs);
  }

  #judgeSuccessRates(): void {
    const { successRateStdevFactor, requestsMin } = this.#config;
    if (successRateStdevFactor === 0) return;
    const judged: Judged<Pool>[] = [];
    for (const watch of this.#watches.values()) {
      const requests = watch.successes + watch.errors;
      if (watch.host.isEjected || requests < Math.max(1, requestsMin)) continue;
      judged.push({ watch, value: watch.successes / requests });
    }
    for (const peers of this.#peersAmong(judged)) this.#judgeSuccessRatesOf(peers);
  }

  #judgeSuccessRatesOf(judged: readonly Judged<Pool>[]): void {
    const { successRateStdevFactor } = this.#config;
    if (judged.length < SUCCESS_RATE_HOSTS_MIN) return;
    const mean = judged.reduce((sum, { value }) => sum + value, 0) / judged.length;
    const variance = judged.reduce((sum, { value }) => sum + (value - mean) ** 2, 0) / judged.length;
    const threshold = mean - successRateStdevFactor * Math.sqrt(variance);
    // The worst first: there may be room for one only.
    for (const { watch, value } of judged.toSorted((a, b) => a.value - b.value)) {
      if (value >= threshold) return;
      const reason = `success rate ${percent(value)} below ${percent(threshold)} (mean ${percent(mean)})`;
      this.#tryEject(watch, "success-rate", reason);
    }
  }

  #judgeLatencies(): void {
    const { latencyFactor, requestsMin } = this.#config;
    if (latencyFactor === 0) return;
    const judged: Judged<Pool>[] = [];
    for (const watch of this.#watches.values()) {
      const { latencies } = watch;
      if (latencies === undefined || watch.host.isEjected || latencies.count < Math.max(1, requestsMin)) continue;
      judged.push({ watch, value: latencies.quantile(0.5) / 1000 });
    }
    for (const peers of this.#peersAmong(judged)) this.#judgeLatenciesOf(peers);
  }

  #judgeLatenciesOf(judged: readonly Judged<Pool>[]): void {
    const { latencyFactor } = this.#config;
    if (judged.length < LATENCY_HOSTS_MIN) return;
    const slowestFirst = judged.toSorted((a, b) => b.value - a.value);
    // The lower of the two in the middle, so that half of the hosts being slow hides none of them.
    const median = slowestFirst[Math.floor(slowestFirst.length / 2)]?.value ?? 0;
    for (const { watch, value } of slowestFirst) {
      if (value <= latencyFactor * median || value - median < LATENCY_GAP_MS_MIN) return;
      const reason = `median latency ${value.toFixed(1)} ms above ${latencyFactor} times ${median.toFixed(1)} ms`;
      this.#tryEject(watch, "latency", reason);
    }
  }

  #peersAmong(judged: readonly Judged<Pool>[]): Iterable<readonly Judged<Pool>[]> {
    return Map.groupBy(judged, ({ watch }) => this.#owner.peerGroupOf(watch.host)).values();
  }

  #tryEject(watch: Watch<Pool>, cause: EjectionCause, reason: string): void {
    if (!this.#mayEject()) return;
    const { baseEjectionMs, maxEjectionMs } = this.#config;
    watch.ejectionFactor++;
    watch.isInServiceThroughout = false;
    const durationMs = Math.min(baseEjectionMs * watch.ejectionFactor, Math.max(baseEjectionMs, maxEjectionMs));
    this.#ejected++;
    watch.host.eject(this.#clock.nowMs() + durationMs, cause, reason);
    this.#wheel.schedule(watch.timer, durationMs);
    this.#owner.onHostEjected(watch.host, reason);
  }

  #mayEject(): boolean {
    const { hosts, usedHostCount } = this.#owner;
    const share = this.#config.maxEjectedShare;
    const ejectedMax = share > 0 ? Math.max(1, Math.floor(usedHostCount * share)) : 0;
    if (this.#ejected >= ejectedMax) return false;
    let usable = 0;
    for (const host of hosts.values()) {
      if (host.isUsable && ++usable > 1) return true;
    }
    return false;
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
